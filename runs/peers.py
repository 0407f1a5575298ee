"""What Data-Juicer's one video measure that needs no learned weights costs, to hold `praxino bench curate` against.

    python -m venv juicer && juicer/bin/pip install py-data-juicer aiohttp av opencv-python-headless
    juicer/bin/python runs/peers.py FOOTAGE

Motion of two frames a second (its default) and of every frame, as we do: CPU time of all threads, and how many times
real time that is. Its cuts are PySceneDetect's (`praxino bench cuts`); the rest reads the header, or needs weights.
"""

import sys
import time
from pathlib import Path

import av
from data_juicer.ops.filter.video_motion_score_filter import VideoMotionScoreFilter
from data_juicer.utils.constant import Fields


def main(folder: Path) -> None:
    """Print a line an operator."""
    videos = [path for path in sorted(folder.glob("*.mp4")) if _seconds(path)]
    plays = sum(map(_seconds, videos))
    operators = {
        "motion, 2 frames a second": VideoMotionScoreFilter(),
        "motion, every frame": VideoMotionScoreFilter(sampling_fps=1000),
    }
    for name, operator in operators.items():
        begun = time.process_time()
        for video in videos:
            operator.compute_stats_single({"videos": [str(video)], "text": "", Fields.stats: {}})
        took = time.process_time() - begun
        print(f"{name}: {took:.2f} s for {plays:.1f} s of video, {plays / took:.3g} times real time", flush=True)


def _seconds(path: Path) -> float:
    try:
        with av.open(str(path)) as video:
            return float(video.duration or 0) / 1e6
    except av.error.FFmpegError:
        return 0.0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
