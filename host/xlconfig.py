"""A domain's configuration in xl's format, and the command line that the guest gets in it (docs/guest-contract.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from host.errors import Problem

COMMAND_LINE_BYTES = 1023
BRIDGE = "xenbr0"


def quote_word(word: str) -> str:
    """A word of the guest's command line; in double quotes where it must be."""
    if word and not any(c.isspace() or c in "\"\\" for c in word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def command_line(kernel: list[str], program: list[str]) -> str:
    """The guest's command line: kernel options, and after `--` the program's arguments."""
    line = " ".join([quote_word(word) for word in kernel] + (["--"] + [quote_word(word) for word in program] if program else []))
    if len(line.encode()) > COMMAND_LINE_BYTES:
        raise Problem(f"the arguments make a command line of {len(line.encode())} bytes, and a Xen guest's may have "
                      f"{COMMAND_LINE_BYTES}; pass fewer or shorter ones")
    if "\0" in line:
        raise Problem("an argument contains a zero byte, which a command line cannot carry; leave it out")
    return line


def quote(value: Any) -> str:
    """A value as xl reads it: a number, a string, or a list of strings."""
    if isinstance(value, (list, tuple)):
        return "[ " + ", ".join(quote(item) for item in value) + " ]" if value else "[ ]"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if "\n" in text or "\0" in text:
        raise Problem(f"a domain's configuration cannot carry the line break in {text!r}; leave it out")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass
class Config:
    """One domain. `options` are further xl options as they are, and win over what stands here."""

    name: str
    kernel: str
    extra: str = ""
    memory: int = 16
    vcpus: int = 1
    type: str = "pv"
    vif: list[str] = field(default_factory=lambda: [f"bridge={BRIDGE}"])
    options: dict[str, Any] = field(default_factory=dict)
    ramdisk: str = ""

    def text(self) -> str:
        """The file. It serves a plain `xl create`, too."""
        values: dict[str, Any] = {"name": self.name, "type": self.type, "kernel": self.kernel, "ramdisk": self.ramdisk,
                                  "extra": self.extra, "memory": self.memory, "vcpus": self.vcpus, "vif": self.vif}
        if self.type == "pvh" and self.memory < 32:
            values["shadow_memory"] = 1     # without it, small PVH guests fail in various ways
        values |= {"on_poweroff": "destroy", "on_reboot": "restart", "on_crash": "destroy"}
        values |= self.options
        return "".join(f"{key} = {quote(value)}\n" for key, value in values.items() if value not in ("", None))
