"""What is not made here: words and pictures that rules catch, with the reason. No model, no network.

Rules lie in `deny.toml` beside this file, and in the operator's own file. They are lists of phrases, not regular
expressions: readable, and as fast on a hostile prompt as on any other. What they catch and miss is in
docs/moderation.md.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

SHIPPED = Path(__file__).with_name("deny.toml")
HAN = r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
NEAR = 5
"""Bits of 64 in which a picture may differ from one that is not made here."""
_CHINESE = re.compile(f"[{HAN}]")
_TOKENS = re.compile(f"[{HAN}]+|[^\\W_{HAN}]+")
_BESIDE = re.compile(f" (?=[{HAN}])")  # a space after a letter or digit: "12 岁"
_INSIDE = re.compile(r"(?<=[^\W_])(?:[^\w\s]|_)+(?=[^\W_])")
_BANG = re.compile(r"(?<=\w)[!|](?=\w)")
_SPELT = re.compile(r"(?<!\S)[a-z](?: [a-z]){2,}(?!\S)")
_APART = re.compile(r"(?<![^\W_])[a-z](?:[\W_][a-z]){2,}(?![^\W_])")
_LONG = re.compile(r"([a-z])\1{2,}")
_RANGE, _LIST = re.compile(r"<(\d{1,3})-(\d{1,3})>"), re.compile(r"\{(\w+)\}")
_ALIKE = str.maketrans("авекмнорстухіјѕԁɡαερινκοτυχ", "abekmhopctyxijsdgaepivkotux")  # Cyrillic, Greek
# fmt: off
_TRADITIONAL = str.maketrans(
    "兒體製彈藥槍歲學國習總統記猶滅殺種黃視頻臉換偽謠聞裝劑氣煉蘿嬰幼齒絲掛脫華強姦姦褻陰莖無戰宣投賄認騙亂極難殘疾別長馬龍剛親視產嚴導畫圖紙說書驟樣麼從們個來時會後對張網戲蘭斯傳聖頌樹頭",
    "儿体制弹药枪岁学国习总统记犹灭杀种黄视频脸换伪谣闻装剂气炼萝婴幼齿丝挂脱华强奸奸亵阴茎无战宣投贿认骗乱极难残疾别长马龙刚亲视产严导画图纸说书骤样么从们个来时会后对张网戏兰斯传圣颂树头",
)
# fmt: on
_LEET = str.maketrans("034578@$+", "oeastbast")


@dataclass(frozen=True, kw_only=True)
class Denial:
    """Why something is not made."""

    rule: str
    en: str
    zh: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Catches words that have one phrase of each list of ``all``, or one of ``any``."""

    denial: Denial
    all: tuple[tuple[str, ...], ...]
    any: tuple[str, ...]
    innocent: tuple[str, ...]

    def catches(self, text: "Text") -> bool:
        """Whether it does."""
        for phrase in self.innocent:
            text = text.without(phrase)
        together = bool(self.all) and all(text.has(phrases) for phrases in self.all)
        return together or text.has(self.any)


@dataclass(frozen=True, kw_only=True)
class Text:
    """Words in the form in which phrases are looked for."""

    spaced: str  # each word between two spaces
    close: str  # Chinese without spaces

    def has(self, phrases: tuple[str, ...]) -> bool:
        """Whether one of them is in it."""
        return any(phrase in (self.close if _CHINESE.search(phrase) else self.spaced) for phrase in phrases)

    def without(self, phrase: str) -> "Text":
        """The same but for a phrase."""
        return Text(spaced=self.spaced.replace(phrase, " "), close=self.close.replace(phrase, " "))


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of a service: a `Guard` that knows no more than phrases and pictures it was told of."""

    rules: tuple[Rule, ...]
    pictures: tuple[tuple[int, Denial], ...] = ()  # fingerprints

    def words(self, text: str) -> Denial | None:
        """The first rule that catches them; None where none does."""
        for view in _views(text):
            found = next((rule.denial for rule in self.rules if rule.catches(view)), None)
            if found is not None:
                return found
        return None

    def picture(self, file: Path) -> Denial | None:
        """Whether it looks like one of the pictures that are not made here."""
        if not self.pictures:
            return None
        mine = fingerprint(file)
        return next((denial for other, denial in self.pictures if (mine ^ other).bit_count() <= NEAR), None)


def opened(own: Path | None = None) -> Rules:
    """The shipped rules, and the operator's own. Raises ValueError where its file says what cannot be."""
    shipped = _read(SHIPPED)
    if own is None:
        return _rules(shipped, {}, SHIPPED)
    mine = _read(own)
    known = {} if mine.get("replace") else shipped
    return _rules(known, mine, own)


def same(text: str) -> str:
    """What two prompts share that differ in spaces, case and punctuation only."""
    return _tokens(_plain(text)).strip()


def fingerprint(file: Path) -> int:
    """64 bits that stay nearly the same when a picture is scaled or compressed (a difference hash)."""
    from PIL import Image

    with Image.open(file) as picture:
        small = picture.convert("L").resize((9, 8), Image.Resampling.BILINEAR)
    values = list(small.tobytes())
    bits = [values[9 * y + x] > values[9 * y + x + 1] for y in range(8) for x in range(8)]
    return sum(bit << place for place, bit in enumerate(bits))


def _views(text: str) -> Iterator[Text]:
    """The words, and what else they may mean: symbols inside words left out, digits read as letters."""
    plain, seen = _plain(text), set[str]()
    for joined in (plain, _INSIDE.sub("", plain)):
        for version in (joined, _leet(joined, "i"), _leet(joined, "l")):
            spaced = _tokens(version)
            if spaced not in seen:
                seen.add(spaced)
                yield Text(spaced=spaced, close=_BESIDE.sub("", spaced))


def _plain(text: str) -> str:
    """In one form: no case, accents, invisible characters, full-width or look-alike letters, traditional characters."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(c for c in folded if unicodedata.category(c) not in {"Mn", "Cf"})
    return kept.translate(_ALIKE).translate(_TRADITIONAL)


def _leet(text: str, one: str) -> str:
    """With digits and signs in words read as letters; 1 as ``one``."""
    letters = _BANG.sub(one, text).split()
    return " ".join(
        word.translate(_LEET).replace("1", one) if any(c.isalpha() for c in word) else word for word in letters
    )


def _tokens(text: str) -> str:
    """The words, each between two spaces; spelt-out ones whole: "n u d e  c h i l d" are two."""
    words = " ".join(_TOKENS.findall(_APART.sub(lambda apart: apart[0][::2], text)))
    words = _SPELT.sub(lambda spelt: spelt[0].replace(" ", ""), words)
    words = _LONG.sub(r"\1", words)
    return f" {words} "


def _phrases(given: Any, where: str, lists: Mapping[str, list[str]] | None = None) -> tuple[str, ...]:
    """As they are looked for: " word " is a whole word, " wor" one with any ending."""
    texts = _texts(given, where)
    return tuple(dict.fromkeys(_phrase(text, where) for one in texts for text in _spelt_out(one, lists or {}, where)))


def _phrase(text: str, where: str) -> str:
    words = _tokens(_plain(text))
    if not words.strip():
        raise ValueError(f"{where}: {text!r} has no letters")
    if _CHINESE.search(words):
        words = _BESIDE.sub("", words).rstrip()
        return words if words[1].isdigit() else words.lstrip()  # " 2岁" is not in "12岁"
    return words.rstrip() if text.endswith("*") else words


def _spelt_out(text: str, lists: Mapping[str, list[str]], where: str) -> list[str]:
    """The phrases that one with <1-17> or {people} stands for."""
    span, name = _RANGE.search(text), _LIST.search(text)
    if span is not None:
        return [text.replace(span[0], str(number)) for number in range(int(span[1]), int(span[2]) + 1)]
    if name is None:
        return [text]
    if name[1] not in lists:
        raise ValueError(f"{where}: {text!r}: there is no list of words {name[1]!r}")
    return [text.replace(name[0], one) for one in lists[name[1]]]


def _texts(given: Any, where: str) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in cast("list[Any]", given)):
        raise ValueError(f"{where} must be a list of texts")
    return cast("list[str]", given)


def _rules(known: Mapping[str, Any], mine: Mapping[str, Any], file: Path) -> Rules:
    """Of two files; a list of words in both is one list, and a rule of the second takes the place of the first's."""
    if not isinstance(mine.get("words", {}), dict):
        raise ValueError(f"{file}: words must be a table of lists; begin it with [words]")
    odd = set(mine) - {"replace", "off", "words", "rule", "picture"}
    if odd:
        raise ValueError(f"{file}: {min(odd)!r} is not known; there are replace, off, words, rule and picture")
    lists: dict[str, list[str]] = {}
    for source in (known, mine):
        for name, phrases in source.get("words", {}).items():
            lists[name] = lists.get(name, []) + _texts(phrases, f"{file}: words.{name}")
    found = [_rule(given, lists, file) for source in (known, mine) for given in _tables(source, "rule", file)]
    rules = {rule.denial.rule: rule for rule in found}
    for name in _texts(mine.get("off", []), f"{file}: off"):
        if rules.pop(name, None) is None:
            raise ValueError(f"{file}: off names {name!r}, and there is no such rule")
    pictures = tuple(_picture(one, file) for one in _tables(mine, "picture", file))
    return Rules(rules=tuple(rules.values()), pictures=pictures)


def _tables(source: Mapping[str, Any], name: str, file: Path) -> list[dict[str, Any]]:
    found = source.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in cast("list[Any]", found)):
        raise ValueError(f"{file}: {name} must be tables; begin each with [[{name}]]")
    return cast("list[dict[str, Any]]", found)


def _rule(given: Mapping[str, Any], lists: Mapping[str, list[str]], file: Path) -> Rule:
    name = given.get("name", "")
    odd = set(given) - {"name", "en", "zh", "all", "any", "innocent"}
    if odd or not name or not (given.get("all") or given.get("any")):
        what = f"{min(odd)!r} is not known" if odd else "it needs a name, and all or any"
        raise ValueError(f"{file}: rule {name!r}: {what}")
    where = f"{file}: rule {name!r}"
    together = _texts(given.get("all", []), f"{where}: all")
    missing = [one for one in together if one not in lists]
    if missing:
        raise ValueError(f"{where}: there is no list of words {missing[0]!r}")
    return Rule(
        denial=_denial(given, name),
        all=tuple(_phrases(lists[one], where) for one in together),
        any=_phrases(given.get("any", []), where, lists),
        innocent=_phrases(given.get("innocent", []), where),
    )


def _picture(given: Mapping[str, Any], file: Path) -> tuple[int, Denial]:
    try:
        return int(given["fingerprint"], 16), _denial(given, given.get("name", "picture"))
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{file}: a picture needs a fingerprint of 16 hexadecimal digits") from None


def _denial(given: Mapping[str, Any], name: str) -> Denial:
    en = given.get("en", name)
    return Denial(rule=name, en=en, zh=given.get("zh", en))


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror}); PRAXINO_DENY must name a file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is not TOML: {error}") from None
