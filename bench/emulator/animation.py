"""Animation: a picture becomes a GIF in which something moves."""

import io

from PIL import Image, ImageDraw

COLOURS = 64
BALL_SHARE = 12
STEP_MS = 10
DURATION_MAX_MS = 655_350


def animated(
    picture: Image.Image, *, n_frames: int, duration_ms: int, mark: str
) -> bytes:
    """Return a GIF of so many frames: a ball crosses the picture.

    The delay is rounded to 10 ms and capped as the format demands.
    """
    # One palette for all frames: finding colours is most of the work.
    still = picture.convert("RGB").quantize(COLOURS - 1, dither=Image.Dither.NONE)
    frames = [_frame(still, at / (n_frames - 1)) for at in range(n_frames)]
    out = io.BytesIO()
    frames[0].save(
        out,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=_encodable_ms(duration_ms),
        loop=0,
        comment=mark.encode(),
        optimize=False,
    )
    return out.getvalue()


def _encodable_ms(duration_ms: int) -> int:
    rounded = (duration_ms + STEP_MS // 2) // STEP_MS * STEP_MS
    return min(DURATION_MAX_MS, max(STEP_MS, rounded))


def _frame(still: Image.Image, share: float) -> Image.Image:
    frame = still.copy()
    edge_px = max(1, min(still.size) // BALL_SHARE)
    left = share * (still.width - edge_px)
    top = (still.height - edge_px) / 2
    ball = (left, top, left + edge_px, top + edge_px)
    ImageDraw.Draw(frame).ellipse(ball, fill=0)
    return frame
