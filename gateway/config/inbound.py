"""Messages from handsets: whose they are, where they go, and the words that are answered."""

from typing import Annotated

import msgspec

from gateway.settings import setting


class InboundRuleConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a message from a handset is, and where it goes.

    Of the rules that fit, these decide in turn: naming the number in full; naming a keyword; a number by a pattern;
    coming first. Where none fits, it belongs to the account that claims the number.
    """

    number: Annotated[
        str, setting("The number it was sent to; * stands for any digits; empty: any.", pattern="^[0-9*?]{0,20}$")
    ] = ""
    keyword: Annotated[
        str, setting("Its first word, large and small letters alike; empty: any.", pattern=r"^\S*$", max_length=40)
    ] = ""
    account: Annotated[str, setting("Whose it is.", min_length=1, sample="example")]
    url: Annotated[
        str, setting('Where it is posted; "smpp": over the account\'s binds; empty: where the account has its others.')
    ] = ""
    dialect: Annotated[str, setting("Whose words it is posted in: native or a provider's name.")] = "native"


class RepliesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What an account's customers are answered, at most once a day each; empty: nothing."""

    stop: Annotated[str, setting("To those who want no more messages.", max_length=480)] = ""
    start: Annotated[str, setting("To those who want them again.", max_length=480)] = ""
    help: Annotated[str, setting("To those who ask who sends them.", max_length=480)] = ""


Word = Annotated[str, setting("A word.", pattern=r"^\S{1,40}$")]


class KeywordsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Words of handsets that the gateway itself understands, large and small letters alike."""

    stop: Annotated[
        tuple[Word, ...],
        setting("Of who wants no more messages: alone or before two words more; none: they mean nothing."),
    ] = (
        "stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke",
        "arret", "arrêt", "stopp", "parar", "baja", "sair", "стоп", "отписка", "停止", "退订", "إيقاف",
    )  # fmt: skip
    start: Annotated[tuple[Word, ...], setting("The whole message of who wants them again.")] = (
        "start", "unstop", "subscribe", "optin", "старт", "подписка", "开始", "订阅", "ابدأ",
    )  # fmt: skip
    help: Annotated[tuple[Word, ...], setting("The whole message of who asks who sends them.")] = (
        "help", "info", "aide", "hilfe", "ayuda", "ajuda", "помощь", "帮助", "مساعدة",
    )  # fmt: skip


class InboundConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Messages from handsets."""

    join_seconds: Annotated[
        int,
        setting(
            "How long the parts of a long message wait for each other; then what is there is delivered.",
            unit="seconds",
            ge=1,
            le=604_800,
        ),
    ] = 3_600
    smallest_number: Annotated[
        int,
        setting("Shorter senders are machines and are never answered.", unit="digits", ge=3, le=15),
    ] = 7
