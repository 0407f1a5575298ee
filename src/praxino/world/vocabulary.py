"""Every word of the world in two languages, and the numbers that colours and floors stand for."""

import colorsys
import re
from collections.abc import Mapping

COLOURS: Mapping[str, tuple[float, float, float]] = {
    # hue in degrees, saturation, value (sRGB-like, gamma 2.2)
    "red": (0, 0.88, 0.90),
    "orange": (28, 0.92, 0.96),
    "yellow": (54, 0.88, 0.95),
    "green": (125, 0.78, 0.74),
    "cyan": (182, 0.78, 0.86),
    "blue": (222, 0.84, 0.90),
    "purple": (278, 0.70, 0.82),
    "pink": (325, 0.62, 0.97),
    "white": (40, 0.02, 0.97),
    "black": (240, 0.10, 0.13),
    "brown": (24, 0.66, 0.46),
    "grey": (220, 0.03, 0.52),
}
FIRST_COLOURS = tuple(COLOURS)[:8]

# What captions call things: lists of synonyms, the usual word first (and said most often).
COLOUR_WORDS = {
    "red": (("red",), ("红色的", "红")),
    "orange": (("orange",), ("橙色的", "橙")),
    "yellow": (("yellow",), ("黄色的", "黄")),
    "green": (("green",), ("绿色的", "绿")),
    "cyan": (("cyan",), ("青色的", "青")),
    "blue": (("blue",), ("蓝色的", "蓝")),
    "purple": (("purple", "violet"), ("紫色的", "紫")),
    "pink": (("pink",), ("粉色的", "粉红色的")),
    "white": (("white",), ("白色的", "白")),
    "black": (("black",), ("黑色的", "黑")),
    "brown": (("brown",), ("棕色的", "褐色的")),
    "grey": (("grey", "gray"), ("灰色的", "灰")),
}
SHAPE_WORDS = {
    "sphere": (("ball", "sphere"), ("球", "球体", "小球")),
    "cube": (("cube", "block", "box"), ("立方体", "方块")),
    "cylinder": (("cylinder",), ("圆柱体", "圆柱")),
    "cone": (("cone",), ("圆锥体", "圆锥")),
    "box": (("box", "brick", "long box"), ("长方体", "盒子", "砖块")),
    "capsule": (("capsule", "pill"), ("胶囊", "胶囊体")),
    "ellipsoid": (("egg", "ellipsoid"), ("椭球", "椭球体")),
    "pyramid": (("pyramid",), ("金字塔", "四棱锥")),
}
SIZE_WORDS = {
    "small": (("small", "little", "tiny"), ("小", "小小的")),
    "medium": (("medium-sized", "mid-sized"), ("中等大小的",)),
    "large": (("large", "big"), ("大", "大大的")),
}
LOOK_WORDS = {
    "matte": (("matte", "dull"), ("哑光的", "哑光")),
    "shiny": (("shiny", "glossy"), ("光滑的", "闪亮的")),
    "metal": (("metal", "metallic"), ("金属的", "金属")),
    "glass": (("glass", "glassy"), ("玻璃的", "玻璃")),
    "striped": (("striped",), ("条纹的", "有条纹的")),
    "dotted": (("dotted", "spotted"), ("圆点的", "带圆点的")),
}
FLOOR_WORDS = {
    "plain": (("plain grey floor", "grey floor", "plain floor"), ("灰色地面", "纯灰色地面", "素色地面")),
    "checker": (
        ("checkered floor", "checker floor", "checkerboard floor"),
        ("棋盘格地面", "格子地面", "棋盘格地板"),
    ),
    "wood": (("wooden floor", "wood floor"), ("木地板", "木质地面", "木质地板")),
    "grass": (("grass", "green grass", "lawn"), ("草地", "绿色的草地", "草坪")),
    "sand": (("sand", "sandy ground"), ("沙地", "沙滩")),
    "snow": (("snow", "snowy ground"), ("雪地",)),
    "marble": (("marble floor",), ("大理石地面", "大理石地板")),
}
SKY_WORDS = {
    "day": (("in daylight", "by day"), ("白天",)),
    "studio": (("in a studio", "in front of a studio backdrop"), ("摄影棚里", "影棚背景前")),
    "sunset": (("at sunset", "in the evening light"), ("日落时分", "傍晚")),
    "night": (("at night", "under a night sky"), ("夜晚", "夜里")),
}
PLACE_WORDS = {
    "left": (("on the left",), ("左边", "左侧")),
    "middle": (("in the middle", "in the centre"), ("中间", "中央")),
    "right": (("on the right",), ("右边", "右侧")),
    "near": (("in the foreground", "close to the camera", "near"), ("近处", "靠近镜头处")),
    "far": (("in the background", "in the distance", "far away"), ("远处",)),
}
_RUN = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*|[一-鿿]+")


def linear(hue: float, saturation: float, value: float) -> tuple[float, float, float]:
    """Linear RGB of a display colour (gamma 2.2); ``hue`` in degrees, the others 0..1."""
    r, g, b = colorsys.hsv_to_rgb(hue % 360 / 360, min(1.0, max(0.0, saturation)), min(1.0, max(0.0, value)))
    return r**2.2, g**2.2, b**2.2


def runs(text: str) -> list[str]:
    """English words (lower case) and runs of Chinese characters in a text."""
    return [word.lower() for word in _RUN.findall(text)]
