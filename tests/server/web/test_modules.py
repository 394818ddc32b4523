"""ES modules put into one script."""

import pytest

from racing_coach_server.web.modules import bundle


def bundled(**modules: str) -> str:
    return bundle("main.js", lambda name: modules[name.removesuffix(".js")])


def test_what_is_imported_comes_first_and_once() -> None:
    """A module that two others need is in the script once, before both, with what it exports."""
    script = bundled(
        main='import { one } from "./one.js";\nimport { two } from "./two.js";\none(two);\n',
        one='import { base } from "./base.js";\nexport function one() { return base; }\n',
        two='import {\n  base as below,\n} from "./base.js";\nexport const two = below;\n',
        base="export const base = 1;\n",
    )
    assert script.count("const base = 1;") == 1
    order = [script.index(f"const ${name} = ") for name in ("base", "one", "two", "main")]
    assert order == sorted(order)
    assert "const { base: below, } = $base;" in script
    assert "return { one };" in script
    assert "import" not in script
    assert "export" not in script


@pytest.mark.parametrize(
    "text",
    [
        'import all from "./base.js";\n',
        'import * as all from "./base.js";\n',
        "export default 1;\n",
        "export let a = 1;\n",
    ],
)
def test_other_forms_are_refused(text: str) -> None:
    """What it would get wrong it does not try."""
    with pytest.raises(ValueError, match=r"main\.js: cannot put this into one script"):
        bundled(main=text, base="")


def test_modules_that_need_one_another_are_refused() -> None:
    """There is no order for them."""
    with pytest.raises(ValueError, match="main -> other -> main"):
        bundled(main='import { b } from "./other.js";\n', other='import { a } from "./main.js";\n')
