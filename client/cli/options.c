/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const struct option long_options[] = {
    {"domain", required_argument, NULL, OPTION_DOMAIN},
    {"json", no_argument, NULL, OPTION_JSON},
    {"columns", required_argument, NULL, OPTION_COLUMNS},
    {"sort", required_argument, NULL, OPTION_SORT},
    {"state", required_argument, NULL, OPTION_STATE},
    {"owner", required_argument, NULL, OPTION_OWNER},
    {"tree", no_argument, NULL, OPTION_TREE},
    {"raw", no_argument, NULL, OPTION_RAW},
    {"noheadings", no_argument, NULL, OPTION_NOHEADINGS},
    {"color", optional_argument, NULL, OPTION_COLOR},
    {"type", required_argument, NULL, OPTION_TYPE},
    {"openmetrics", no_argument, NULL, OPTION_OPENMETRICS},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"binding", required_argument, NULL, OPTION_BINDING},
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"now", no_argument, NULL, OPTION_NOW},
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

/* What each does, for people, and for the completion of shells: which words may follow stands
 * behind "=", separated by "|". */
static const struct {
    int option;
    const char *text;
} helps[] = {
    {OPTION_DOMAIN,
     "  --domain N   domain N's devices as it sees them (in dom0); a number or name"},
    {OPTION_JSON, "  --json       JSON instead of text"},
    {OPTION_COLUMNS, "  -o, --columns [+]COLUMN,...\n"
                     "               these columns, or with + these as well, of"},
    {OPTION_SORT, "  -x, --sort COLUMN\n"
                  "               in the order of this column; states worst first"},
    {OPTION_STATE, "  --state=protected|relaxed|unprotected|quarantined|unknown\n"
                   "               only devices in this state, or in one of several: STATE,..."},
    {OPTION_OWNER,
     "  --owner OWNER\n"
     "               only devices of this domain, a number or name, or none, unknown"},
    {OPTION_TREE, "  --tree       below their IOMMU and group"},
    {OPTION_RAW, "  -r, --raw    for programs: nothing aligned, blanks as \\x20"},
    {OPTION_NOHEADINGS, "  -n, --noheadings\n"
                        "               without the line of the columns' names"},
    {OPTION_COLOR, "  --color=auto|always|never\n"
                   "               auto, the default: on a terminal, unless NO_COLOR is set"},
    {OPTION_TYPE,
     "  -T, --type=dot|svg|png\n"
     "               source text for graphviz, the default, or what its dot makes of it"},
    {OPTION_OPENMETRICS, "  --openmetrics\n"
                         "               in the OpenMetrics format, for other collectors"},
    {OPTION_BINDING, "  --binding=iommu-el2-v1|xen-iommu\n"
                     "               how the overlay says that a device is protected; needed"},
    {OPTION_FORMAT, "  --format=dts|dtbo\n"
                    "               source text, the default, or a blob"},
    {OPTION_OUTPUT, "  --output FILE\n"
                    "               write there instead of to standard output"},
    {OPTION_NOW, "  --now        do it"},
    {OPTION_DRY_RUN, "  --dry-run    only say what would be done, the default"},
    {OPTION_VERSION, "  --version    print the version"},
    {OPTION_HELP, "  -h, --help   print this help, or with a command the command's"},
};

/* What may follow an option's "=", by number; NULL ends it. */
static const char *const formats[] = {[FORMAT_DTS] = "dts", [FORMAT_DTBO] = "dtbo", NULL};
static const char *const bindings[] = {
    [OVERLAY_IOMMU_EL2_V1] = "iommu-el2-v1", [OVERLAY_XEN_IOMMU] = "xen-iommu", NULL};
static const char *const types[] = {
    [GRAPH_DOT] = "dot", [GRAPH_SVG] = "svg", [GRAPH_PNG] = "png", NULL};
static const char *const colours[] = {
    [COLOUR_AUTO] = "auto", [COLOUR_ALWAYS] = "always", [COLOUR_NEVER] = "never", NULL};

static void print_columns(void)
{
    int i;

    for (i = 0; i < COLUMN_COUNT; i++)
        printf("%s%s", i % 7 == 0 ? "\n               " : " ",
               list_column_title((enum list_column)i));
    putchar('\n');
}

void options_help(int options)
{
    size_t i;

    for (i = 0; i < sizeof(helps) / sizeof(helps[0]); i++) {
        if ((helps[i].option & options) == 0)
            continue;
        fputs(helps[i].text, stdout);
        if (helps[i].option == OPTION_COLUMNS)
            print_columns();
        else
            putchar('\n');
    }
}

const char *option_name(int options)
{
    size_t i;

    for (i = 0; long_options[i].name != NULL; i++)
        if ((long_options[i].val & options) != 0)
            return long_options[i].name;
    return NULL;
}

bool options_agree(int given)
{
    if ((given & OPTION_NOW) != 0 && (given & OPTION_DRY_RUN) != 0)
        complain("--now and --dry-run exclude each other");
    else if ((given & OPTION_JSON) != 0 && (given & TABLE_OPTIONS) != 0)
        complain("--json and --%s exclude each other: JSON is no table",
                 option_name(given & TABLE_OPTIONS));
    else if ((given & OPTION_TREE) != 0 && (given & OPTION_RAW) != 0)
        complain("--tree and --raw exclude each other");
    else
        return true;
    return false;
}

/* The number of text among words, which are two or three, or -1 with a complaint. */
static int parse_word(const char *option, const char *const words[], const char *text)
{
    int i;

    for (i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    complain("\"%s\" is not a %s: it is %s%s%s or %s", text, option, words[0], i == 3 ? ", " : "",
             i == 3 ? words[1] : "", words[i - 1]);
    return -1;
}

/* The letters of options that have one, as lsblk(8) and dot(1) have them. */
static int option_of(int letter)
{
    switch (letter) {
    case 'h':
        return OPTION_HELP;
    case 'o':
        return OPTION_COLUMNS;
    case 'x':
        return OPTION_SORT;
    case 'r':
        return OPTION_RAW;
    case 'n':
        return OPTION_NOHEADINGS;
    case 'T':
        return OPTION_TYPE;
    default:
        return letter;
    }
}

/* Takes in one of list's own options; 0, or -1 with a complaint. */
static int take_list_option(int option, struct list_request *list)
{
    int word = COLOUR_ALWAYS;

    switch (option) {
    case OPTION_COLUMNS:
        return list_parse_columns(list, optarg);
    case OPTION_SORT:
        return list_parse_sort(list, optarg);
    case OPTION_STATE:
        return list_parse_states(list, optarg);
    case OPTION_OWNER:
        list->owner = optarg;
        break;
    case OPTION_TREE:
        list->tree = true;
        break;
    case OPTION_RAW:
        list->raw = true;
        break;
    case OPTION_NOHEADINGS:
        list->noheadings = true;
        break;
    case OPTION_COLOR:
        if (optarg != NULL)
            word = parse_word("colour", colours, optarg);
        list->colour = word < 0 ? COLOUR_AUTO : (enum colour_when)word;
        break;
    default:
        return -1; /* getopt_long() has complained */
    }
    return word < 0 ? -1 : 0;
}

/* Takes in any option; 0, or -1 with a complaint. */
static int take_option(int option, struct request *request)
{
    int word = 0;

    switch (option) {
    case OPTION_DOMAIN:
        request->domain = optarg;
        break;
    case OPTION_JSON:
        request->writer = &writer_json;
        break;
    case OPTION_FORMAT:
        word = parse_word("format", formats, optarg);
        request->format = word == FORMAT_DTBO ? FORMAT_DTBO : FORMAT_DTS;
        break;
    case OPTION_BINDING:
        word = parse_word("binding", bindings, optarg);
        request->binding = word == OVERLAY_XEN_IOMMU ? OVERLAY_XEN_IOMMU : OVERLAY_IOMMU_EL2_V1;
        break;
    case OPTION_TYPE:
        word = parse_word("type", types, optarg);
        request->type = word < 0 ? GRAPH_DOT : (enum graph_type)word;
        break;
    case OPTION_OUTPUT:
        request->output = optarg;
        break;
    case OPTION_OPENMETRICS:
        request->open = true;
        break;
    case OPTION_NOW:
        request->now = true;
        break;
    case OPTION_DRY_RUN:
    case OPTION_VERSION:
    case OPTION_HELP:
        break;
    default:
        return take_list_option(option, &request->list);
    }
    return word < 0 ? -1 : 0;
}

/* As options_take(), but for what getopt_long()'s complaints begin with. */
static int take_all(int argc, char *argv[], struct request *request, int *given)
{
    int option;

    *given = 0;
    optind = 0; /* a full restart, for callers that run more than once */
    while ((option = getopt_long(argc, argv, "ho:x:rnT:", long_options, NULL)) != -1) {
        option = option_of(option);
        if (take_option(option, request) != 0)
            return -1;
        *given |= option;
    }
    return 0;
}

int options_take(int argc, char *argv[], struct request *request, int *given, int *first)
{
    char *called = argc > 0 ? argv[0] : NULL;
    int rc;

    if (argc > 0)
        argv[0] = (char *)"xen-iommu"; /* the path is of no use to anybody */
    rc = take_all(argc, argv, request, given);
    if (argc > 0)
        argv[0] = called;
    *first = optind;
    return rc;
}
