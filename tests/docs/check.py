#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Code, header and documents agree: what the code can say is in every document that has to have it,
and no document names what the code does not say.

    check.py --source DIR --said PROGRAM --daemon PROGRAM --cli PROGRAM [TEST...]

--source: whose documents and sources are read. The programs are asked: said.c for what the policy
and the facts can be, the daemon and the command for their --help.
"""
import argparse
import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest

import paths

WORD = r'[a-z0-9]+(?:-[a-z0-9]+)*'
options = argparse.Namespace()


def text_of(name):
    with open(os.path.join(options.source, name), encoding='utf-8') as file:
        return file.read()


def files(*patterns):
    found = []
    for pattern in patterns:
        found += glob.glob(os.path.join(options.source, pattern), recursive=True)
    return sorted(os.path.relpath(name, options.source) for name in found)


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def said(kind):
    """What the code can say of a kind, as tuples of words."""
    lines = {tuple(line.split()) for line in output_of(options.said).splitlines()}
    return {line[1:] for line in lines if line[0] == kind}


def section(text, heading, end):
    """From a line that is this heading to the next that matches end."""
    _, found, rest = text.partition('\n' + heading + '\n')
    assert found, f'no section "{heading}"'
    return re.split(end, rest, maxsplit=1, flags=re.M)[0]


def roff_section(page, heading):
    return section(page, heading, r'^\.S[hs] ' if heading.startswith('.Ss') else r'^\.Sh ')


def roff_items(text):
    """The first words of a page's list items: (word, what follows on the line)."""
    return re.findall(rf'^\.It (?:Cm|Pa|Fl) ({WORD}|-{WORD})(.*)$', text, re.M)


def plain(roff):
    """A page's line without its macros."""
    return ' '.join(word for word in re.sub(r'^\.', '', roff).split()
                    if word not in ('Cm', 'No', 'Ar', 'Pa', 'Fl', 'Ns', 'Pq', 'It', 'Dv'))


def rows(text):
    """The cells of the tables in a text, without those that are headings."""
    found = []
    for line in text.splitlines():
        if line.startswith('|') and not set(line) <= set('|- :'):
            found.append([cell.strip() for cell in line.strip('|').split('|')])
    return found


def glob_one(case, *patterns):
    found = files(*patterns)
    case.assertEqual(len(found), 1, f'one of {patterns}')
    return text_of(found[0])


class Check(unittest.TestCase):
    maxDiff = None

    def same(self, document, code, what):
        document, code = set(document), set(code)
        self.assertFalse(code - document, f'{what}: missing there')
        self.assertFalse(document - code, f'{what}: the code does not know it')


class Words(Check):
    """States, reasons, limits and facts."""

    def setUp(self):
        self.schema = text_of('docs/man/xen-iommu-schema.7')
        self.xenstore = text_of('docs/xenstore.md')
        self.policy = text_of('docs/policy.md')
        self.pandoc = text_of('docs/xenstore-iommu.pandoc')

    def pandoc_list(self, field):
        """The list below the entries of a field of a record in a domain's tree: {word: text}."""
        start = self.pandoc.rindex('\n#### ~/iommu/', 0, self.pandoc.index(f'/{field} = STRING []')
                                   if f'/{field} = STRING []' in self.pandoc else
                                   self.pandoc.index(f'/{field} = ("'))
        part = re.split(r'\n##+ ', re.sub(r'^(\n#### .*)+', '', self.pandoc[start:]), maxsplit=1)[0]
        items = re.findall(r'^\* ([a-z-]+) -- (.*(?:\n  .*)*)', part, re.M)
        return {name: ' '.join(text.split()) for name, text in items}

    def test_states(self):
        states = {state for state, in said('state')}
        self.same((word for word, _ in roff_items(roff_section(self.schema, '.Sh STATES'))), states,
                  'xen-iommu-schema(7), STATES')
        self.same(re.findall(r'^\| `([a-z]+)` \|', text_of('README.md'), re.M), states, 'README.md')
        self.same(self.pandoc_list('state'), states, 'xenstore-iommu.pandoc, the list')
        for entry in paths.read(self.pandoc):
            if entry.path.endswith('/state'):
                self.same(entry.literals, states, entry.heading)
        for heading in re.findall(r'^#### .*/state = .*', self.xenstore, re.M):
            self.same(re.findall(r'"(.*?)"', heading), states, f'xenstore.md, {heading}')

    def test_reasons_of_the_schema_page(self):
        """Each below the state that it comes with, and marked where it lets swiotlb-xen go."""
        found = set()
        for heading in re.findall(r'^\.Ss Reasons for .*$', self.schema, re.M):
            state = heading.split()[-1]
            found |= {(word, state, 'skip' if rest.strip() == 'Pq skip' else 'keep')
                      for word, rest in roff_items(roff_section(self.schema, heading))}
        self.same(found, {verdict[1:] for verdict in said('reason')},
                  'xen-iommu-schema(7), REASONS')

    def test_each_reason_says_what_to_do(self):
        for heading in ['.Sh LIMITS'] + re.findall(r'^\.Ss Reasons for .*$', self.schema, re.M):
            for item in re.split(r'^\.It ', roff_section(self.schema, heading), flags=re.M)[1:]:
                self.assertRegex(item, r'(?m)^To change it:', heading)

    def test_reasons_of_the_policy_page(self):
        """The last three columns of its tables, or the last word of the tables of owners."""
        code = said('reason')
        verdicts, tokens = set(), set()
        for row in rows(self.policy):
            token = re.fullmatch(rf'`({WORD})`', row[-1])
            if len(row) == 4 and token:
                verdicts.add((token[1], row[1], row[2].strip('*')))
            tokens |= set(re.findall(rf'^(?:unknown, |see below; )`({WORD})`', row[-1]))
        self.assertGreater(len(verdicts), 30)
        self.assertFalse(verdicts - {verdict[1:] for verdict in code},
                         'the policy says no such thing')
        self.same({token for token, _, _ in verdicts} | tokens, {verdict[1] for verdict in code},
                  'policy.md')

    def test_reasons_of_the_pandoc_document(self):
        found = {(word.strip(), state) for state, words in self.pandoc_list('reason').items()
                 for word in words.split(',')}
        self.same(found, {verdict[1:3] for verdict in said('reason')}, 'xenstore-iommu.pandoc')

    def test_limits(self):
        limits = {limit for limit, in said('limit')}
        self.same((word for word, _ in roff_items(roff_section(self.schema, '.Sh LIMITS'))), limits,
                  'xen-iommu-schema(7), LIMITS')
        self.same(self.pandoc_list('limits'), limits, 'xenstore-iommu.pandoc')
        part = section(self.xenstore, '#### ~/iommu/pci/SSSS-BB-DD-F/limits = TOKENS', '^#### ')
        self.same((row[0].strip('`') for row in rows(part)[1:]), limits, 'xenstore.md')
        part = section(self.policy, '## What `protected` leaves out', '^## ')
        self.same(re.findall(rf'^- `({WORD})`:', part, re.M), limits, 'policy.md')

    @staticmethod
    def code_facts():
        """{name: values}; None for a name whose values are names themselves."""
        found = {}
        for _, name, value in said('fact'):
            found.setdefault(name, set()).add(value)
        found['driver'] = None
        # What said.c sets to nothing, and what is added where the tree is made.
        for source in ('daemon/facts.c', 'daemon/view.c', 'daemon/sighting.c'):
            for name in re.findall(rf'" ?({WORD})=(?=[%a-z/])', text_of(source)):
                found.setdefault(name, None)
        return found

    def check_facts(self, document, what):
        code = self.code_facts()
        self.same(document, code, what)
        for name, values in document.items():
            if code[name] is not None:
                self.assertFalse(code[name] - values, f'{what}, {name}: missing there')
                self.assertFalse({value for value in values if not value.startswith('/')} -
                                 code[name], f'{what}, {name}: the code does not know it')

    def test_facts_of_the_schema_page(self):
        found = {}
        for name, rest in roff_items(roff_section(self.schema, '.Sh FACTS')):
            found[name] = set(plain(rest).lstrip('= ').split(' | '))
        self.check_facts(found, 'xen-iommu-schema(7), FACTS')

    def test_facts_of_the_xenstore_page(self):
        found = {}
        part = self.xenstore[self.xenstore.index('/facts = WORDS'):]
        for row in rows(re.split(r'^## ', part, maxsplit=1, flags=re.M)[0])[1:]:
            for name in re.findall(rf'`({WORD})`', row[0]):
                found[name] = set(' '.join(re.findall(r'`(.*?)`', row[1])).split())
        self.check_facts(found, 'xenstore.md')


class Nodes(Check):
    """The header, the daemon, docs/xenstore.md, xen-iommu-schema(7) and the pandoc document."""

    def setUp(self):
        self.xenstore = text_of('docs/xenstore.md')
        self.entries = paths.read(text_of('docs/xenstore-iommu.pandoc'))
        header = text_of('include/xeniommu-schema.h')
        self.macros = dict(re.findall(r'^#define (XENIOMMU_\w+)\s+"(.*?)"', header, re.M))
        function = section(header, 'static inline bool xeniommu_is_field_(const char *component, '
                           'size_t len)', '^}')
        self.fields = {self.macros.get(name, name.strip('"'))
                       for name in re.findall(r'len, ("\w+"|XENIOMMU_\w+)', function)}

    def entries_of(self, root):
        """The names of the nodes at a tree's top, and of those of a record: (bus, name)."""
        found = set()
        for entry in self.entries:
            if entry.path.startswith(root + '/') and entry.values:
                parts = entry.path[len(root) + 1:].split('/')
                found.add((parts[0], parts[-1].rpartition(')+')[2]) if len(parts) > 1
                          else ('', parts[0]))
        return found

    def headings_of(self, root):
        found = set()
        for heading in re.findall(r'^#### (.*)$', self.xenstore, re.M):
            names = heading.partition(' = ')[0].split(', ')
            base = ''
            for name in names:
                if name.startswith(('/', '~')):
                    base = name.rpartition('/')[0]
                else:
                    name = f'{base}/{name}'
                if name.startswith(root + '/') and not name.endswith('...'):
                    parts = name[len(root) + 1:].split('/')
                    found.add((parts[0], parts[-1]) if len(parts) > 1 else ('', parts[0]))
        return found

    def test_notation(self):
        """Each path with values and tags of xenstore-paths' own grammar, and named once."""
        self.assertGreater(len(self.entries), 20)
        named = [entry.path for entry in self.entries]
        self.assertEqual(len(named), len(set(named)), 'a path is there twice')
        for entry in self.entries:
            self.assertEqual('n' in entry.tags, entry.path.startswith('/tool/'), entry.heading)

    def test_domain_tree(self):
        pandoc = self.entries_of('~/' + self.macros['XENIOMMU_DIR'])
        documented = self.headings_of('~/iommu')
        # "The same, without limits" there.
        documented |= {('dt', name) for bus, name in documented
                       if bus == 'pci' and name != 'limits'}
        self.same(pandoc, documented, 'xenstore-iommu.pandoc, against xenstore.md')

    def test_host_tree(self):
        pandoc = self.entries_of(self.macros['XENIOMMU_HOST_DIR'])
        self.same(pandoc, self.headings_of('/tool/xen-iommud'),
                  'xenstore-iommu.pandoc, against xenstore.md')

    def test_header(self):
        """A name of a record's node is what the header encodes, and the constants are in use."""
        named = {name for bus, name in
                 self.entries_of('~/iommu') | self.entries_of('/tool/xen-iommud') if bus}
        self.same(named, self.fields, 'xenstore-iommu.pandoc, against xeniommu_is_field_()')
        for page in ('docs/xenstore.md', 'docs/xenstore-iommu.pandoc',
                     'docs/man/xen-iommu-schema.7'):
            names = text_of(page)
            part = re.search(r"(?:equals? ?(?:the|a)? ?field's name|name of one of a device's own "
                             r'nodes|name of a node of a record)\s+(\([^)]*\)|\.Pq Pa [^\n]*)',
                             names)
            self.assertTrue(part, f'{page} names no fields in its encoding')
            found = set(re.findall(r'[a-z]+', part[1].replace('.Pq Pa', '')))
            self.same(found, self.fields, f'{page}, the encoding')
        versions = [entry.literals for entry in self.entries if entry.path.endswith('/version')]
        self.assertEqual(versions, [[self.macros['XENIOMMU_ABI_VERSION']]] * 2)

    def test_daemon(self):
        """Every name that the daemon makes a node of, and no other."""
        code = set()
        view = text_of('daemon/view.c')
        for name in re.findall(r'(?:tree_add|add_number)(?:_leaf)?\(tree, (?:base, )?'
                               r'("[\w-]+"|XENIOMMU_\w+)', view):
            code.add(self.macros.get(name, name.strip('"')))
        code |= {'generation'} if '"generation"' in text_of('daemon/publisher.c') else set()
        documented = {name for _, name in
                      self.entries_of('~/iommu') | self.entries_of('/tool/xen-iommud')}
        self.same(documented, code, "xenstore-iommu.pandoc, against the daemon's")

    def test_schema_page(self):
        page = text_of('docs/man/xen-iommu-schema.7')
        for heading, root in ((".Sh A DOMAIN'S TREE", '~/iommu'),
                              (".Sh THE HOST'S TREE", '/tool/xen-iommud')):
            named = {word for word, _ in roff_items(roff_section(page, heading))} - {'pci', 'dt'}
            wanted = {name for _, name in self.entries_of(root)}
            if root.startswith('/'):  # "as above"
                wanted -= {name for _, name in self.entries_of('~/iommu')}
            self.same(named, wanted, f'xen-iommu-schema(7), {heading}')

    def test_status_words(self):
        sources = ''.join(text_of(name) for name in files('daemon/*.c', 'daemon/*.h'))
        for entry in self.entries:
            if entry.path.endswith('/status'):
                self.assertEqual(set(entry.literals), {'starting', 'ready', 'stopped'})
                for word in entry.literals:
                    self.assertTrue(f'"{word}"' in sources, word)


class Settings(Check):
    """Configuration and command lines."""

    def setUp(self):
        self.keys = set(re.findall(r'^    \{"([a-z-]+)", set_\w+, "', text_of('daemon/settings.c'),
                                   re.M))
        self.page = text_of('docs/man/xen-iommud.conf.5')
        self.sample = text_of('systemd/xen-iommud.conf')

    def accepts(self, lines):
        with tempfile.NamedTemporaryFile('w', suffix='.conf') as file:
            file.write('\n'.join(lines) + '\n')
            file.flush()
            result = subprocess.run([options.daemon, '--check-config', '--config', file.name],
                                    capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, f'{lines}: {result.stderr}')

    def test_keys(self):
        self.assertGreater(len(self.keys), 5)
        items = roff_items(roff_section(self.page, '.Sh KEYS'))
        self.same((word for word, _ in items), self.keys, 'xen-iommud.conf(5)')
        self.same(re.findall(r'^#([a-z-]+) = ', self.sample, re.M), self.keys,
                  'systemd/xen-iommud.conf')

    def test_each_key_has_default_and_example(self):
        for item in re.split(r'^\.It ', roff_section(self.page, '.Sh KEYS'), flags=re.M)[1:]:
            key = plain(item.splitlines()[0]).split()[0]
            self.assertIn('Default:', item, key)
            example = re.search(rf'^\.Dl ({re.escape(key)} = .*)$', item, re.M)
            self.assertTrue(example, f'{key}: no example')
            self.accepts([example[1]])

    def test_sample_is_right(self):
        self.accepts(re.findall(r'^#([a-z-]+ = .*)$', self.sample, re.M))

    def test_values(self):
        """The bounds and words of the messages are the page's."""
        for key, values in re.findall(r'\{"([a-z-]+)", set_\w+, "(.*?)"\}',
                                      text_of('daemon/settings.c')):
            item = re.search(rf'^\.It Cm {key} .*?(?=^\.It |^\.El)', self.page, re.M | re.S)[0]
            for word in re.findall(r'[0-9.]*[0-9]|\b(?:yes|no|error|warning|notice|info|debug)\b',
                                   values):
                self.assertRegex(item, rf'\b{re.escape(word)}\b', f'{key}: {word}')

    @staticmethod
    def long_options(text):
        return {option.rstrip('.,') for option in re.findall(r'(?<![\w-])--([a-z][a-z-]*)', text)}

    def check_options(self, program, page, of_others=()):
        """Both ways; the page's are the macro .Fl's, and what stands in it as typed."""
        helped = self.long_options(output_of(program, '--help')) | {'help'}
        lines = re.findall(r'^\.(?:.*\s)?Fl (.*)$', text_of(page), re.M)
        lines += re.findall(r'\bFl (.*)$', text_of(page), re.M)
        macros = {option for line in lines
                  for option in re.findall(r'(?:^| )-([a-z][a-z-]*)', line)}
        self.same(macros, helped, page)
        self.assertFalse(self.long_options(text_of(page)) - helped - set(of_others),
                         f'{page}: no such option')

    def test_daemon_options(self):
        self.check_options(options.daemon, 'docs/man/xen-iommud.8')

    def test_command_options(self):
        self.check_options(options.cli, 'docs/man/xen-iommu.1', of_others=['unbuffered'])

    def test_commands(self):
        shown = output_of(options.cli, '--help')
        helped = set(re.findall(rf'^  ({WORD}) ', section('\n' + shown, 'Commands:', r'^$'), re.M))
        page = text_of('docs/man/xen-iommu.1')
        described = section(page, 'The commands are:', r'^\.El')
        self.same((word for word, _ in roff_items(described)), helped,
                  'xen-iommu(1), the commands')
        synopsis = roff_section(page, '.Sh SYNOPSIS')
        self.same(re.findall(rf'^\.Cm ({WORD})', synopsis, re.M), helped, 'xen-iommu(1), SYNOPSIS')

    def test_other_documents_name_no_other_option(self):
        """Of a command line of ours in any document: xen-iommud ..., xen-iommu ..."""
        known = {'xen-iommud': self.long_options(output_of(options.daemon, '--help')),
                 'xen-iommu': self.long_options(output_of(options.cli, '--help'))}
        commands = set(re.findall(rf'^  ({WORD}) ', output_of(options.cli, '--help'), re.M))
        for name in files('README.md', 'docs/*.md', 'client/linux/*.md', 'docs/man/*'):
            for program, rest in re.findall(r'(?:^ +(?:# )?|`)(xen-iommud?) ([a-z-][^`|;\n]*)',
                                            text_of(name), re.M):
                self.assertFalse(self.long_options(rest) - known[program],
                                 f'{name}: {program} {rest}')
                command = rest.split()[0]
                if program == 'xen-iommu' and not command.startswith('-'):
                    self.assertIn(command, commands, f'{name}: {program} {rest}')


class Library(Check):
    def setUp(self):
        self.page = glob_one(self, 'docs/man/*xeniommu.3')
        self.headers = text_of('include/xeniommu.h') + text_of('include/xeniommu-schema.h')

    def test_symbols(self):
        exported = set(re.findall(r'^\s+(xeniommu_\w+);', text_of('client/lib/libxeniommu.map'),
                                  re.M))
        self.assertGreater(len(exported), 5)
        declared = set(re.findall(r'\b(xeniommu_\w+)\(', self.headers))
        named = set(re.findall(r'\.Fn (xeniommu_\w+)', self.page))
        self.assertFalse(exported - declared, 'exported, and in no header')
        self.assertFalse(exported - named, 'exported, and not in the page')
        self.assertFalse(named - declared, 'in the page, and in no header')

    def test_constants(self):
        known = set(re.findall(r'\b(XENIOMMU_\w+)', self.headers))
        for name in files('docs/man/*', 'docs/*.md', 'README.md', 'examples/**/*.md'):
            found = set(re.findall(r'\b(XENIOMMU_[A-Z_]*[A-Z])\b', text_of(name)))
            self.assertFalse(found - known, f'{name}: no header has it')

    def test_structure(self):
        """The page's fields of struct xeniommu_info are the header's."""
        header = section(self.headers, 'struct xeniommu_info {', '^}')
        header = re.sub(r'/\*.*?\*/', '', header, flags=re.S)
        fields = set(re.findall(r'(\w+)(?:\[\w+\])?;', header))
        self.assertIn('state', fields)
        fields = {field for field in fields if not field.endswith('_')}  # nobody's but the library's
        for field in fields:
            self.assertTrue(re.search(rf'\b{field}\b', self.page), f'{field}: not in the page')


class Documents(Check):
    """Links, installed files and terms."""

    def test_links(self):
        for name in files('*.md', 'docs/*.md', 'client/**/*.md', 'examples/**/*.md',
                          'tests/**/*.md'):
            for target in re.findall(r'\]\(([^)\s]+)\)', text_of(name)):
                if re.match(r'[a-z]+:', target):
                    continue
                file, _, anchor = target.partition('#')
                path = os.path.normpath(os.path.join(os.path.dirname(name), file)) if file else name
                self.assertTrue(os.path.exists(os.path.join(options.source, path)),
                                f'{name}: {target}')
                if anchor:
                    self.assertIn(anchor, self.anchors(path), f'{name}: {target}')

    @staticmethod
    def anchors(name):
        """As GitHub makes them of headings."""
        return {re.sub(r'[^\w\- ]', '', heading.lower()).strip().replace(' ', '-')
                for heading in re.findall(r'^#+ (.*)$', text_of(name), re.M)}

    def test_installed(self):
        """What a man page or a program names below /usr/share/doc/xen-iommud is installed there,
        and every page is installed."""
        lists = text_of('docs/CMakeLists.txt')
        for name in files('docs/man/*'):
            self.assertIn('man/' + os.path.basename(name), lists)
            for file in re.findall(r'/usr/share/doc/xen-iommud/([\w.-]+\w)', text_of(name)):
                self.assertTrue(re.search(rf'\b{re.escape(file)}\b', lists), f'{name}: {file}')
        for name in files('docs/*.md', 'docs/*.pandoc', 'docs/*.svg'):
            self.assertTrue(re.search(rf'[ (]{re.escape(os.path.basename(name))}\b', lists),
                            f'{name}: not installed')

    def test_references(self):
        """A reference to a page of ours is to one that there is."""
        pages = {tuple(os.path.basename(name).rsplit('.', 1)) for name in files('docs/man/*')}
        for name in files('docs/man/*'):
            for title, number in re.findall(r'^\.Xr (\S+) (\d)', text_of(name), re.M):
                if re.match(r'(lib)?xen-?iommu', title):
                    self.assertIn((title, number), pages, name)

    def test_terms(self):
        """Each term of the glossary is used elsewhere in the documents."""
        others = ''.join(text_of(name) for name in files('*.md', 'docs/*.md', 'docs/man/*')
                         if not name.endswith('glossary.md')).lower()
        terms = re.findall(r'\*\*(.+?)\*\*', text_of('docs/glossary.md'))
        self.assertGreater(len(terms), 10)
        self.assertEqual(terms[0], 'the oracle')
        self.assertEqual(len(terms), len(set(terms)), 'a term is defined twice')
        for term in terms:
            self.assertTrue(term.lower() in others, f'{term}: defined, and used nowhere')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ('source', 'said', 'daemon', 'cli'):
        parser.add_argument(f'--{name}', required=True)
    parser.add_argument('tests', nargs='*')
    parser.parse_args(namespace=options)
    unittest.main(argv=[sys.argv[0]] + options.tests)


if __name__ == '__main__':
    main()
