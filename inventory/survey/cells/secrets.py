"""Whether words speak of state secrets: a title, a remark or a place that does takes its row out of sight."""

import re
from functools import lru_cache

from inventory.survey.cells.denials import Stance, stance_at
from inventory.survey.text import plain

_WORDS = re.compile(
    r"涉密|秘密|机密|绝密|秘级|分级保护|机要|(?:政务|党政)内网|(?<![^\W\d_])密(?![^\W\d_])"
    r"|保密(?:原因|需要|规定|要求)[,、]?[^,。;]{0,4}(?:不|未|无法)[便予宜]?(?:填|上?报|提供)"
    r"|(?<![部充十划区])分保(?=要求|测评|备案|定级|[一二三]?级|建设|系统|标准|[,。;)]|$)"
)
"""政务内网 is the network of what is classified; 密 alone is the answer to a question that nobody wrote down."""
_HARMLESS = re.compile(
    r"[与同和跟](?:电子)?(?:涉密|政务|党政)(?:内网|网络?|系统)(?:实行|完全|进行)?(?:物理|逻辑)?隔离|商业秘密|保守(?:国家)?秘密法|秘密投票|秘密法|脱密|解密|已降密|机要(?:保密)?(?:局|科|处|办|员|秘书|和保密局)|机密计算"
)
"""What only contains such a word: names of offices, of laws, and secrets that are none of the state."""
_MARKED = re.compile(
    r"[(\[【<]\s*(?:涉密|秘密|机密|绝密)级?\s*[)\]】>]|(?:秘密|机密|绝密)(?:级|★)|涉密(?:系统|网络?|机房|设备)(?:$|[运部内上下中])"
)


@lru_cache(maxsize=16384)
def secret(text: str) -> bool:
    """Tell whether a text speaks of secrets and does not deny it; with a reserve counts as yes."""
    text = _HARMLESS.sub(lambda match: "·" * len(match[0]), plain(text).replace("、", "和"))
    return any(
        stance_at(text, match.start(), match.end(), strictly=True) is not Stance.DENIED
        for match in _WORDS.finditer(text)
    )


def marked(text: str) -> bool:
    """Tell whether a text bears the mark of a classification, such as （秘密级）, which a 否 elsewhere contradicts."""
    return secret(text) and _MARKED.search(plain(text)) is not None
