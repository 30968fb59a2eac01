#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that each test of check.py can fail: plants an error in one file, and expects the test to
fail. What is planted must be in the file as it is, or the run fails: whoever changes that mends it
here.

    plant.py (the options of check.py)
"""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SCHEMA, CONF = 'docs/man/xen-iommu-schema.7', 'docs/man/xen-iommud.conf.5'
PANDOC, XENSTORE, POLICY = 'docs/xenstore-iommu.pandoc', 'docs/xenstore.md', 'docs/policy.md'

# test, file, what (a regular expression, its first match), what is there in its place
PLANTED = [
    ('Words.test_states', SCHEMA, r'\.It Cm relaxed\nAn IOMMU', '.It Cm confined\nAn IOMMU'),
    ('Words.test_states', 'README.md', r'\| `relaxed` \|', '| `confined` |'),
    ('Words.test_states', PANDOC, r'\* relaxed -- it', '* confined -- it'),
    ('Words.test_states', PANDOC, r'"relaxed"\|', ''),
    ('Words.test_states', XENSTORE, r'"relaxed" \| ', ''),
    ('Words.test_reasons_of_the_schema_page', SCHEMA, r'\.It Cm dom0-strict',
     '.It Cm dom0-stricter'),
    ('Words.test_reasons_of_the_schema_page', SCHEMA, r'\.It Cm dom0-strict',
     '.It Cm dom0-strict Pq skip'),
    ('Words.test_reasons_of_the_schema_page', SCHEMA, r'\.Ss Reasons for relaxed',
     '.Ss Reasons for protected'),
    ('Words.test_each_reason_says_what_to_do', SCHEMA, r'To change it:', 'Change:'),
    ('Words.test_reasons_of_the_policy_page', POLICY, r'`dom0-strict` \|\n', '`dom0-stricter` |\n'),
    ('Words.test_reasons_of_the_policy_page', POLICY, r'protected \| keep \| `assigned-pv`',
     'protected | **skip** | `assigned-pv`'),
    ('Words.test_reasons_of_the_pandoc_document', PANDOC, r'assignable', 'assigned'),
    ('Words.test_reasons_of_the_pandoc_document', PANDOC, r'relaxed -- dom0-relaxed',
     'protected -- dom0-relaxed'),
    ('Words.test_limits', SCHEMA, r'\.It Cm ats', '.It Cm pri'),
    ('Words.test_limits', PANDOC, r'\* ats --', '* pri --'),
    ('Words.test_limits', XENSTORE, r'\| `ats` \|', '| `pri` |'),
    ('Words.test_limits', POLICY, r'- `ats`:', '- `pri`:'),
    ('Words.test_facts_of_the_schema_page', SCHEMA, r'\.It Cm unit No', '.It Cm units No'),
    ('Words.test_facts_of_the_schema_page', SCHEMA, r'together \| apart', 'together'),
    ('Words.test_facts_of_the_xenstore_page', XENSTORE, r'`together apart', '`together split'),
    ('Words.test_facts_of_the_xenstore_page', XENSTORE, r'\| `unlisted` \| `yes` .*\n', ''),
    ('Nodes.test_notation', PANDOC, r'= INTEGER \[\]', '= NUMBER []'),
    ('Nodes.test_notation', PANDOC, r'= INTEGER \[\]', '= INTEGER [r]'),
    ('Nodes.test_notation', PANDOC, r'= INTEGER \[\]', '= INTEGER'),
    ('Nodes.test_notation', PANDOC, r'= INTEGER \[n\]', '= INTEGER []'),
    ('Nodes.test_domain_tree', PANDOC, r'#### ~/iommu/generation', '#### ~/iommu/generations'),
    ('Nodes.test_domain_tree', XENSTORE, r'#### ~/iommu/pci/SSSS-BB-DD-F/group = INTEGER\n', ''),
    ('Nodes.test_host_tree', XENSTORE, r'state, swiotlb, reason, group, owner, iommu',
     'state, swiotlb, reason, owner, iommu'),
    ('Nodes.test_host_tree', PANDOC, r'#### /tool/xen-iommud/lock-file',
     '#### /tool/xen-iommud/lock'),
    ('Nodes.test_header', 'include/xeniommu-schema.h', r'len, "facts"', 'len, "words"'),
    ('Nodes.test_header', 'include/xeniommu-schema.h', r'ABI_VERSION "1"', 'ABI_VERSION "2"'),
    ('Nodes.test_header', SCHEMA, r'Pa state , swiotlb ,', 'Pa state ,'),
    ('Nodes.test_daemon', 'daemon/view.c', r'tree, base, "owner"', 'tree, base, "domain"'),
    ('Nodes.test_schema_page', SCHEMA, r'\.It Pa owner', '.It Pa domain'),
    ('Nodes.test_status_words', PANDOC, r'"starting"\|', ''),
    ('Settings.test_keys', CONF, r'\.It Cm user No', '.It Cm users No'),
    ('Settings.test_keys', 'systemd/xen-iommud.conf', r'#user = ', '#users = '),
    ('Settings.test_keys', 'daemon/settings.c', r'\{"user", set_user', '{"person", set_user'),
    ('Settings.test_each_key_has_default_and_example', CONF, r'\.Dl recheck-interval = 0\.5',
     '.Dl recheck-interval = 0.05'),
    ('Settings.test_each_key_has_default_and_example', CONF, r'Default: 2', '2'),
    ('Settings.test_sample_is_right', 'systemd/xen-iommud.conf', r'recheck-interval = 2',
     'recheck-interval = 2s'),
    ('Settings.test_values', CONF, r'0\.1 to 3600', '0.1 to 7200'),
    ('Settings.test_daemon_options', 'docs/man/xen-iommud.8', r'\.It Fl -early', '.It Fl -earlier'),
    ('Settings.test_command_options', 'docs/man/xen-iommu.1', r'Fl -json', 'Fl -yaml'),
    ('Settings.test_commands', 'docs/man/xen-iommu.1', r'\.It Cm status\n', '.It Cm state\n'),
    ('Settings.test_other_documents_name_no_other_option', 'README.md',
     r'`xen-iommu explain DEVICE`', '`xen-iommu explain --why DEVICE`'),
    ('Settings.test_other_documents_name_no_other_option', 'README.md', r'`xen-iommu watch`',
     '`xen-iommu follow`'),
    ('Library.test_symbols', 'client/lib/libxeniommu.map', r'xeniommu_fd;', 'xeniommu_fds;'),
    ('Library.test_symbols', 'docs/man/*xeniommu.3', r'(?s)\.Fn xeniommu_fd\b.*', ''),
    ('Library.test_constants', 'docs/man/*xeniommu.3', r'XENIOMMU_PROTECTED', 'XENIOMMU_SAFE'),
    ('Library.test_structure', 'include/xeniommu.h', r'bool skip_swiotlb;', 'bool skip_bounce;'),
    ('Documents.test_links', 'README.md', r'\(docs/policy\.md\)', '(docs/policies.md)'),
    ('Documents.test_links', POLICY, r'\(#xens-options\)', '(#options-of-xen)'),
    ('Documents.test_installed', 'docs/CMakeLists.txt', r'guarantees\.md', ''),
    ('Documents.test_references', SCHEMA, r'\.Xr xen-iommud 8', '.Xr xen-iommud 1'),
    ('Documents.test_terms', 'docs/glossary.md', r'\n\*\*', '\n**unheard-of term** x\n\n**'),
    ('Documents.test_terms', 'docs/glossary.md', r'the oracle', 'an oracle'),
]


def real_file(source, pattern):
    folder, name = os.path.split(pattern)
    names = [found for found in os.listdir(os.path.join(source, folder))
             if re.fullmatch(name.replace('.', r'\.').replace('*', '.*'), found)]
    return os.path.join(folder, names[0]) if names else None


def copy_with(source, folder, name, text):
    """The source tree by symbolic links, but for one file."""
    parts = name.split('/')
    for depth, part in enumerate(parts):
        here = os.path.join(source, *parts[:depth])
        there = os.path.join(folder, *parts[:depth])
        os.makedirs(there, exist_ok=True)
        for entry in os.listdir(here):
            if entry != part:
                os.symlink(os.path.join(here, entry), os.path.join(there, entry))
    with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
        file.write(text)


def planted(source, programs, test, name, pattern, replacement):
    """What is wrong: None where the test failed as it has to."""
    name = real_file(source, name)
    if name is None:
        return f'{test}: there is no such file'
    with open(os.path.join(source, name), encoding='utf-8') as file:
        text = file.read()
    changed, count = re.subn(pattern, lambda _: replacement, text, count=1)
    if count != 1 or changed == text:
        return f'{test}: {name} holds no {pattern}'
    with tempfile.TemporaryDirectory() as folder:
        copy_with(source, folder, name, changed)
        result = subprocess.run([sys.executable, os.path.join(HERE, 'check.py'), '--source', folder,
                                 *programs, test], capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return f'{test} does not notice {replacement!r} for {pattern!r} in {name}'
    return None if 'Error: ' in result.stderr and 'FAILED (' in result.stderr else result.stderr


def main():
    source = os.path.abspath(sys.argv[sys.argv.index('--source') + 1])
    programs = [word for word in sys.argv[1:] if word not in ('--source', source)]
    found = [text for plant in PLANTED if (text := planted(source, programs, *plant))]
    with open(os.path.join(HERE, 'check.py'), encoding='utf-8') as file:
        text = file.read()
    for name, body in re.findall(r'^class (\w+)\(Check\):(.*?)(?=^class |^def )', text,
                                 re.M | re.S):
        for test in re.findall(r'def (test_\w+)', body):
            if f'{name}.{test}' not in {plant[0] for plant in PLANTED}:
                found.append(f'nothing is planted for {name}.{test}')
    print('\n'.join(found) if found else f'{len(PLANTED)} planted, all noticed')
    sys.exit(1 if found else 0)


if __name__ == '__main__':
    main()
