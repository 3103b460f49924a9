"""`handcart message texts`: the texts of messages, and own ones in their place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from handcart.cli.options import database_options, json_option, of_retailer, read, show, table, write
from handcart.core import clock
from handcart.messages.models import CHANNELS, SMS
from handcart.messages.texts import LOCALES, OPERATOR, Preview

_template = click.argument("template")
_for_retailer = click.option(
    "--retailer", metavar="SLUG", help="Only the text for this retailer. Default: the text for all retailers."
)


def _of_text(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which text of a template is meant."""
    for option in (
        _template,
        click.option(
            "--locale", type=click.Choice(LOCALES), default=LOCALES[0], show_default=True, help="Language of the text."
        ),
        click.option(
            "--channel", type=click.Choice(CHANNELS), default=SMS, show_default=True, help="Channel of the text."
        ),
        _for_retailer,
    ):
        command = option(command)
    return command


@click.group()
def texts() -> None:
    """Show, change and preview the texts of messages.

    A text has placeholders in braces, such as {link}. For mail and push, its first line is the subject.
    """


@texts.command("list")
@database_options
@json_option
@_for_retailer
def list_texts(retailer: str | None, as_json: bool, **database: Any) -> None:
    """List the templates, and which of their texts replace the standard ones."""
    from handcart.messages import texts as stored

    own = read(database, _at(retailer, stored.own))
    changed: dict[str, list[str]] = {}
    for one in own:
        changed.setdefault(one.template, []).append(f"{one.locale} {one.channel}")
    texts_of = sorted(stored.standard("en").items())
    found = [
        {
            "template": name,
            "title": text.title,
            "placeholders": sorted(stored.placeholders(name)),
            "own": changed.get(name, []),
        }
        for name, text in texts_of
    ]
    rows = [(name, text.title, ", ".join(changed.get(name, []))) for name, text in texts_of]
    show(as_json, {"texts": found}, table(("template", "title", "own texts"), rows))


@texts.command("show")
@database_options
@json_option
@_of_text
def show_text(template: str, locale: str, channel: str, retailer: str | None, as_json: bool, **database: Any) -> None:
    """Show the text that messages have now, your own or the standard one, and its placeholders."""
    from handcart.messages import texts as stored

    own = _own(database, retailer, template, locale, channel)
    standard = stored.written(template, locale, channel)
    shown = {
        "template": template,
        "locale": locale,
        "channel": channel,
        "text": standard if own is None else own.text,
        "is_own": own is not None,
        "changed_at": None if own is None else clock.to_wire(own.changed_at),
        "placeholders": sorted(stored.placeholders(template)),
    }
    names = ", ".join(f"{{{name}}}" for name in sorted(stored.placeholders(template)))
    whose = "the standard text" if own is None else f"an own text, changed at {clock.to_wire(own.changed_at)}"
    show(as_json, shown, f"{shown['text']}\n\n{template}, {locale}, {channel}: {whose}. Placeholders: {names}")


@texts.command("set")
@database_options
@json_option
@_of_text
@click.option("--file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="File to read TEXT from.")
@click.argument("text", required=False)
def set_text(
    template: str,
    locale: str,
    channel: str,
    retailer: str | None,
    file: Path | None,
    text: str | None,
    as_json: bool,
    **database: Any,
) -> None:
    """Replace the standard text of a template with your own."""
    from handcart.messages import texts as stored

    if (text is None) == (file is None):
        raise click.UsageError("give the text, or --file")
    wanted = text if file is None else file.read_text("utf-8")
    write(database, _at(retailer, stored.change, template, locale, channel, wanted))
    made = stored.preview(template, locale, channel, wanted)
    show(as_json, _plain(made), _sentence(made))


@texts.command("reset")
@database_options
@json_option
@_of_text
def reset_text(template: str, locale: str, channel: str, retailer: str | None, as_json: bool, **database: Any) -> None:
    """Delete your own text of a template, so that the standard one is used."""
    from handcart.messages import texts as stored

    was = write(database, _at(retailer, stored.reset, template, locale, channel))
    sentence = "Messages have the standard text again." if was else "They have the standard text already."
    show(as_json, {"was_own": was}, sentence)


@texts.command("preview")
@database_options
@json_option
@_of_text
@click.argument("text", required=False)
def preview_text(
    template: str, locale: str, channel: str, retailer: str | None, text: str | None, as_json: bool, **database: Any
) -> None:
    """Show a text with sample values, its length and the number of SMS parts. Nothing changes.

    TEXT is the text to try. Default: the text that messages have now.
    """
    from handcart.messages import texts as stored

    own = None if text is not None else _own(database, retailer, template, locale, channel)
    made = stored.preview(template, locale, channel, own.text if own is not None else text)
    show(as_json, _plain(made), _sentence(made))


def _own(database: dict[str, Any], retailer: str | None, template: str, locale: str, channel: str) -> Any:
    """The own text of a template; None if there is none. Raises `Refused` for an unknown template."""
    from handcart.messages import texts as stored

    stored.require(template)
    return next(
        (
            one
            for one in read(database, _at(retailer, stored.own))
            if (one.template, one.locale, one.channel) == (template, locale, channel)
        ),
        None,
    )


def _at(retailer: str | None, op: Callable[..., Any], *args: Any) -> Callable[..., Any]:
    """An operation on the texts of a retailer, or of all retailers."""

    async def of_all(tx: Any) -> Any:
        return await op(tx, OPERATOR, *args)

    return of_all if retailer is None else of_retailer(retailer, op, *args)


def _plain(made: Preview) -> dict[str, Any]:
    return {"title": made.title, "text": made.text, "characters": made.characters, "parts": made.parts}


def _sentence(made: Preview) -> str:
    lines = [made.text] if made.parts else [made.title, "", made.text]
    size = f"{made.characters} characters" + (f", {made.parts} SMS parts" if made.parts > 1 else "")
    return "\n".join([*lines, "", size + (", 1 SMS part" if made.parts == 1 else "")])
