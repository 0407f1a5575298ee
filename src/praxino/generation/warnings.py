"""What a person should know of a request before it is made."""

from praxino.request import Request
from praxino.text.words import unknown_words


def warnings_of(request: Request, words: tuple[str, ...]) -> list[str]:
    """One warning that names every word the model was never taught; none where it says it knows all words."""
    prompts = [shot.prompt for shot in request.shots] + ([request.negative] if request.negative else [])
    odd = list(dict.fromkeys(word for prompt in prompts for word in unknown_words(prompt, words))) if words else []
    if not odd:
        return []
    named = ", ".join(repr(word) for word in odd)
    return [f"the model does not know {named}: the film may not show it; `praxino models show` lists what it knows"]
