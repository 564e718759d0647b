# SPDX-License-Identifier: MIT
"""Adds up JUnit reports: prints `N passed, M failed, K skipped`; exits 1 when something failed or nothing ran.

count.py REPORT.xml...                     the sum, below what failed and the end of what it said
count.py --single FILE NAME pass|fail [TEXT]   writes a report of one test that has no runner, and what it said
"""
import sys
import xml.etree.ElementTree as ElementTree


def write_single(path, name, result, said="see the output above"):
    suite = ElementTree.Element("testsuite", name=name)
    case = ElementTree.SubElement(suite, "testcase", name=name)
    if result != "pass":
        failure = ElementTree.SubElement(case, "failure")
        failure.text = "".join(c if c.isprintable() or c == "\n" else "?" for c in said)  # or it is no XML
    ElementTree.ElementTree(suite).write(path)


def end_of(text, lines=8, width=400):
    kept = [line for line in text.splitlines() if line.strip()][-lines:]
    return "".join(f"    {line[:width]}\n" for line in kept)


def main(arguments):
    if arguments[:1] == ["--single"]:
        write_single(*arguments[1:])
        return 0
    passed = failed = skipped = 0
    for path in arguments:
        tests = {}  # one that was tried again may have two cases
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            tests.setdefault((case.get("classname"), case.get("name")), []).append(case)
        for cases in tests.values():
            case = cases[0]
            children = [child for each in cases for child in each]
            kinds = {child.tag for child in children}
            reasons = [child for child in children if child.tag in ("failure", "error")]
            if reasons:
                failed += 1
                print(f"FAILED {path.rsplit('/', 1)[-1]}: {case.get('classname')} {case.get('name')}")
                print(end_of(reasons[0].text or reasons[0].get("message") or ""), end="")
            elif "skipped" in kinds:
                skipped += 1
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if failed == 0 and passed > 0 else 1


sys.exit(main(sys.argv[1:]))
