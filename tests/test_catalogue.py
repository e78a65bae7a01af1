"""Where claims are found, and what is refused."""

import subprocess
import sys

import pytest

from lora_proofs.errors import BadInput, ClaimRefused, NothingSelected
from lora_proofs.running import catalogue, verifying
from lora_proofs.running.catalogue import Entry, Locator, file_claims, load, read_file


def test_a_file_has_claims_tuples_of_claims_and_places(claim_file):
    path = claim_file("family = (variant('one'), variant('two'))\n")
    found = file_claims(path)
    assert [entry.name for entry in found] == ["tests/one", "tests/square", "tests/two"]
    assert str(found[0].locator) == f"{path}:family[0]"
    assert load(found[2].locator).name == "tests/two"
    assert not found[0].shipped


def test_a_claim_that_a_file_imports_is_not_its_own(claim_file):
    claim_file("claim = variant('original')\n", "original_claims.py")
    path = claim_file("from original_claims import claim as theirs\nmine = variant('mine')\n")
    try:
        assert [entry.name for entry in file_claims(path)] == ["tests/mine", "tests/square"]
    finally:
        sys.modules.pop("original_claims", None)


def test_two_claims_of_one_name_are_refused_with_both_places(claim_file):
    path = claim_file("first = variant('same')\nsecond = variant('same')\n")
    with pytest.raises(ClaimRefused) as refused:
        file_claims(path)
    assert "two claims are named 'tests/same'" in str(refused.value)
    assert ":first" in str(refused.value) and ":second" in str(refused.value)


def test_one_value_under_two_names_is_one_claim(claim_file):
    path = claim_file("claim = variant('only')\nalso = (claim,)\n")
    assert [entry.name for entry in file_claims(path)] == ["tests/only", "tests/square"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "found none"),
        ("raise ValueError('no')\n", r"ValueError: no \(line 1\)"),
        ("def f(:\n", "SyntaxError"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
        ("from lora_proofs import Claim\nClaim(name='x')\n", "TypeError"),
        ("import no_such_module_anywhere\n", "ModuleNotFoundError"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path, text, message):
    path = tmp_path / "broken.py"
    path.write_text(text)
    with pytest.raises(ClaimRefused, match=message):
        file_claims(path)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("title=None", "title: expected text, got NoneType=None"),
        ("instances=draw", r"instances: expected Instances\(...\), got function"),
        ("check=3", "check: expected a function, got int=3"),
        ("assumptions=[]", "assumptions: expected a tuple of Assumption"),
        ("controls=[CONTROL]", "controls: expected a tuple of Control"),
        ("arithmetics=('float',)", "arithmetics: expected a tuple of some of exact, ball"),
        ("arithmetics='exact'", "arithmetics: expected a tuple"),
        ("instances=Instances(draw, ['a', 'b'])", "regimes: expected a tuple of names"),
        ("lower_bound=1, kind='lower-bound'", "one of its functions: expected a function"),
        (
            "controls=(Control(None, ((1,),), why='w', check=check),)",
            r"control 'w': expected Instance\(...\), got tuple",
        ),
        (
            "controls=(Control(None, (), why='w', check=check),)",
            "control 'w': expected at least one instance",
        ),
    ],
)
def test_a_part_of_the_wrong_kind_is_refused_at_load(claim_file, part, message):
    path = claim_file(f"claim = variant('malformed', {part})\n")
    with pytest.raises(ClaimRefused, match=f"tests/malformed: {message}"):
        file_claims(path)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(BadInput, match="expected a readable Python file"):
        file_claims(tmp_path / "missing.py")
    with pytest.raises(BadInput, match="it is a folder"):
        file_claims(tmp_path)


def test_a_file_that_changed_is_not_loaded_as_what_it_was(claim_file):
    path = claim_file()
    entry = file_claims(path)[0]
    path.write_text(path.read_text() + "\n# changed\n")
    with pytest.raises(BadInput, match="it changed"):
        load(entry.locator)


KNOWN = tuple(
    Entry(name, Locator(module="m", attribute=name), True, {})
    for name in ("classical/balancedness", "classical/energy", "zeng-lee/exact")
)


def names(target):
    return [entry.name for entry in catalogue.named(target, KNOWN)]


def test_names_and_patterns():
    assert names("classical/energy") == ["classical/energy"]
    assert names("classical/*") == ["classical/balancedness", "classical/energy"]
    assert names("*/exact") == ["zeng-lee/exact"]
    assert names("nothing/*") == []


@pytest.mark.parametrize("typo", ["classical/balancednes", "balancedness", "clasical/balancedness"])
def test_a_slip_of_the_keyboard_is_met_with_a_suggestion(typo):
    with pytest.raises(BadInput, match="Did you mean classical/balancedness"):
        names(typo)


def test_a_file_that_is_not_there_is_met_with_one_that_is_beside_it(tmp_path):
    (tmp_path / "my_claim.py").write_text("")
    with pytest.raises(BadInput, match=r"No such file.*\. Did you mean \S*my_claim\.py\?$"):
        read_file(tmp_path / "my_clam.py")
    with pytest.raises(BadInput, match=r"No such file or directory$"):
        read_file(tmp_path / "elsewhere.py")


def test_nothing_selected_has_its_own_exception():
    with pytest.raises(NothingSelected, match="no claim matches 'no/such/\\*'"):
        verifying.select(["no/such/*"])


def test_shipped_claims_have_distinct_names_and_load():
    found = catalogue.shipped_claims()
    assert len({entry.name for entry in found}) == len(found) > 0
    assert all(load(entry.locator).name == entry.name for entry in found)


def test_a_claim_is_named_after_the_folder_that_it_stands_in():
    # ``shipped_near`` relies on it: what begins with another paper's name is not imported.
    for entry in catalogue.shipped_claims():
        folder = entry.locator.module.removeprefix(f"{catalogue.SHIPPED}.").partition(".")[0]
        assert entry.name.partition("/")[0].replace("_", "-") == folder.replace("_", "-")


@pytest.mark.parametrize("target", ["classical/*", "rushka-klabjan/naive/*", "zeng-lee/x", "*/x"])
def test_the_claims_near_a_target_are_all_that_it_could_fit(target):
    paper, whole = target.partition("/")[0], catalogue.shipped_claims()
    near = tuple(e for e in whole if paper == "*" or e.name.startswith(f"{paper}/"))
    assert catalogue.shipped_near(target) == near


def test_a_name_of_one_paper_imports_no_claim_of_another():
    code = (
        "import sys\n"
        "from lora_proofs.running.selecting import select\n"
        "print(*(entry.name for entry in select(['classical/balancedness'])))\n"
        "print(any(name.startswith('lora_proofs.claims.zeng_lee') for name in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["classical/balancedness", "False"]


def test_a_path_inside_the_package_is_the_shipped_claim():
    entry = catalogue.shipped_claims()[0]
    module = sys.modules[entry.locator.module]
    assert catalogue.module_of(catalogue.Path(module.__file__)) == entry.locator.module
    assert entry in verifying.select([module.__file__])


def test_a_file_is_selected_by_name_and_by_attribute(claim_file):
    path = claim_file("first = variant('first')\nsecond = variant('second')\n")
    for wanted in ("tests/second", "second"):
        assert [e.name for e in verifying.select([f"{path}::{wanted}"])] == ["tests/second"]
    with pytest.raises(BadInput, match="it has tests/first, tests/second"):
        verifying.select([f"{path}::third"])


def test_the_same_target_twice_selects_once(claim_file):
    path = claim_file()
    assert len(verifying.select([str(path), str(path)])) == 1


def test_a_file_of_the_same_name_as_another_is_refused(claim_file):
    first, second = claim_file(), claim_file(name="copy.py")
    with pytest.raises(ClaimRefused, match="two claims are named 'tests/square'"):
        verifying.select([str(first), str(second)])
