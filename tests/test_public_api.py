"""The public names are promises, and importing the package stays light."""

import subprocess
import sys
from pathlib import Path

import lora_proofs

HOME = Path(lora_proofs.__file__).parent


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=HOME.parent,
    ).stdout


def test_importing_the_package_loads_nothing_heavy():
    heavy = "{'sympy', 'numpy', 'flint', 'mpmath', 'hypothesis', 'typer'}"
    assert run(f"import lora_proofs, sys; print({heavy} & set(sys.modules))") == "set()\n"


def test_help_loads_no_arithmetic():
    code = "import sys; from lora_proofs.cli import run; run(['--help']); "
    code += "print('loaded:', {'sympy', 'numpy', 'flint', 'rich'} & set(sys.modules))"
    assert "loaded: set()" in run(code)


def test_listing_claims_loads_no_sympy():
    code = "import sys; from lora_proofs.cli import run; run(['list']); "
    code += "print('loaded:', {'sympy', 'hypothesis'} & set(sys.modules))"
    assert "loaded: set()" in run(code)


def test_every_public_name_is_there():
    for name in lora_proofs.__all__:
        assert getattr(lora_proofs, name) is not None


def test_verify_is_the_function_whatever_was_imported_before():
    code = "import lora_proofs.running.runner, lora_proofs.running.verifying, lora_proofs.cli.app; "
    code += "from lora_proofs import verify, equal; print(verify.__module__, callable(verify))"
    assert run(code) == "lora_proofs.running.runner True\n"


def test_no_submodule_is_named_like_a_public_function():
    modules = {path.stem for path in HOME.glob("*.py")} | {p.name for p in HOME.glob("*/")}
    functions = {name for name in lora_proofs.__all__ if callable(getattr(lora_proofs, name))}
    assert not modules & functions


def test_an_unknown_name_says_where_to_look():
    try:
        lora_proofs.verfy  # noqa: B018
    except AttributeError as error:
        assert "no public name 'verfy'" in str(error)
