/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOMID_MAX 0x7fef /* the last that a domain can have */

/* The options that not every command takes: bits, and getopt's values, beyond any letter. */
enum {
    OPTION_DOMAIN = 1 << 8,
    OPTION_JSON = 1 << 9,
    OPTION_FORMAT = 1 << 10,
    OPTION_BINDING = 1 << 11,
    OPTION_OUTPUT = 1 << 12,
    OPTION_VERSION = 1 << 13, /* not a command's */
    OPTION_NOW = 1 << 14,
    OPTION_DRY_RUN = 1 << 15,
    OPTION_OPENMETRICS = 1 << 16,
};

#define VIEW_OPTIONS (OPTION_DOMAIN | OPTION_JSON)

struct command {
    const char *name;
    const char *argument; /* NULL: takes none */
    int options;          /* those that it takes */
    int needed;           /* those that it cannot do without */
    command_fn *run;
    const char *help;
};

static const struct command commands[] = {
    {"list", NULL, VIEW_OPTIONS, 0, command_list, "every device, how far it is confined, and why"},
    {"show", "DEVICE", VIEW_OPTIONS, 0, command_show,
     "one device; DEVICE as 0000:00:04.0, 00:04.0 or /soc/video@0"},
    {"explain", "DEVICE", VIEW_OPTIONS, 0, command_explain,
     "one device in words: how it is, what would change that, and why"},
    {"status", NULL, VIEW_OPTIONS, 0, command_status,
     "whether xen-iommud is ready, how many devices are how, and a verdict"},
    {"check", NULL, VIEW_OPTIONS, 0, command_check,
     "whether every guest's device is protected; else what to do"},
    {"watch", NULL, VIEW_OPTIONS, 0, command_watch,
     "every device, and then each change, one a line, until it is stopped"},
    {"metrics", NULL, OPTION_OUTPUT | OPTION_OPENMETRICS, 0, command_metrics,
     "numbers for Prometheus, as its node_exporter collects them from files"},
    {"export", NULL, OPTION_DOMAIN | OPTION_FORMAT | OPTION_BINDING | OPTION_OUTPUT, OPTION_BINDING,
     command_export, "the domain's protected device tree devices as an overlay"},
    {"apply", NULL, OPTION_JSON | OPTION_NOW | OPTION_DRY_RUN, 0, command_apply,
     "devices that need no swiotlb-xen and have it: bind them again, where not in use"},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static const struct option long_options[] = {
    {"domain", required_argument, NULL, OPTION_DOMAIN},
    {"json", no_argument, NULL, OPTION_JSON},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"binding", required_argument, NULL, OPTION_BINDING},
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"now", no_argument, NULL, OPTION_NOW},
    {"openmetrics", no_argument, NULL, OPTION_OPENMETRICS},
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {0},
};

/* What may follow an option's "=", by number; NULL ends it. */
static const char *const formats[] = {[FORMAT_DTS] = "dts", [FORMAT_DTBO] = "dtbo", NULL};
static const char *const bindings[] = {
    [OVERLAY_IOMMU_EL2_V1] = "iommu-el2-v1", [OVERLAY_XEN_IOMMU] = "xen-iommu", NULL};

void complain(const char *format, ...)
{
    va_list args;

    fputs("xen-iommu: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

static int usage_error(void)
{
    fputs("Try 'xen-iommu --help'.\n", stderr);
    return EXIT_USAGE;
}

static int print_help(void)
{
    size_t i;

    puts("Usage: xen-iommu COMMAND [OPTION]...\n"
         "Tell how far each device's DMA is confined, as xen-iommud publishes it.\n\nCommands:");
    for (i = 0; i < COMMAND_COUNT; i++)
        printf("  %-7s %-8s %s\n", commands[i].name,
               commands[i].argument != NULL ? commands[i].argument : "", commands[i].help);
    puts("\nOptions:\n"
         "  --domain N   domain N's devices as it sees them (in dom0)\n"
         "  --json       JSON instead of text; not for export and metrics\n"
         "  --version    print the version\n"
         "  -h, --help   print this help\n\n"
         "Of export:\n"
         "  --binding=iommu-el2-v1|xen-iommu\n"
         "               how the overlay says that a device is protected; needed\n"
         "  --format=dts|dtbo\n"
         "               source text, the default, or a blob\n"
         "  --output FILE\n"
         "               write there instead of to standard output; of metrics too\n\n"
         "Of metrics:\n"
         "  --openmetrics\n"
         "               in the OpenMetrics format, for other collectors\n\n"
         "Of apply:\n"
         "  --now        do it\n"
         "  --dry-run    only say what would be done, the default\n\n"
         "Exit status: 0 fine, and for show: protected; 1 failure; 2 usage; 3 not protected, for\n"
         "check: findings, for apply --now: a device is in use; 4 xen-iommud is not ready.");
    return EXIT_FINE;
}

/* The number of text among words, or -1 with a complaint. */
static int parse_word(const char *option, const char *const words[], const char *text)
{
    int i;

    for (i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    complain("\"%s\" is not a %s: it is %s or %s", text, option, words[0], words[1]);
    return -1;
}

static int parse_domid(const char *text, int32_t *domid)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value > DOMID_MAX) {
        complain("\"%s\" is not a domain's number", text);
        return -1;
    }
    *domid = (int32_t)value;
    return 0;
}

static const struct command *find_command(const char *name)
{
    size_t i;

    for (i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* Whether the command takes each of the options given, and has got those that it needs. */
static bool options_fit(const struct command *command, int given)
{
    size_t i;

    for (i = 0; long_options[i].name != NULL; i++) {
        int option = long_options[i].val;

        if ((given & option & ~command->options) != 0) {
            complain("%s does not take --%s", command->name, long_options[i].name);
            return false;
        }
        if ((command->needed & option & ~given) != 0) {
            complain("%s needs --%s", command->name, long_options[i].name);
            return false;
        }
    }
    return true;
}

/* What is left after the options: COMMAND and its argument. */
static int run_command(int argc, char *const argv[], int given, struct request *request)
{
    const struct command *command;
    int expected;

    if (argc == 0) {
        complain("no command given");
        return usage_error();
    }
    command = find_command(argv[0]);
    if (command == NULL) {
        complain("\"%s\" is not a command", argv[0]);
        return usage_error();
    }
    expected = command->argument != NULL ? 2 : 1;
    if (argc < expected) {
        complain("%s needs %s", command->name, command->argument);
        return usage_error();
    }
    if (argc > expected) {
        complain("%s: \"%s\" is one argument too many", command->name, argv[expected]);
        return usage_error();
    }
    if (!options_fit(command, given))
        return usage_error();
    if ((given & OPTION_NOW) != 0 && (given & OPTION_DRY_RUN) != 0) {
        complain("--now and --dry-run exclude each other");
        return usage_error();
    }
    request->device = command->argument != NULL ? argv[1] : NULL;
    return command->run(request);
}

/* Takes in one of the commands' options; 0, or -1 with a complaint. */
static int take_option(int option, struct request *request)
{
    int word = 0;

    switch (option) {
    case OPTION_DOMAIN:
        return parse_domid(optarg, &request->domid);
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
        break;
    default:
        return -1; /* getopt_long() has complained */
    }
    return word < 0 ? -1 : 0;
}

static int parse_and_run(const char *root, int argc, char *argv[])
{
    struct request request = {.writer = &writer_text, .domid = -1, .root = root};
    int option, given = 0;

    optind = 0; /* a full restart, for callers that run more than once */
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (option == 'h')
            return print_help();
        if (option == OPTION_VERSION) {
            puts("xen-iommu " XI_VERSION);
            return EXIT_FINE;
        }
        if (take_option(option, &request) != 0)
            return usage_error();
        given |= option;
    }
    return run_command(argc - optind, argv + optind, given, &request);
}

int run_xen_iommu(int argc, char *argv[])
{
    return run_xen_iommu_below("", argc, argv);
}

int run_xen_iommu_below(const char *root, int argc, char *argv[])
{
    static char name[] = "xen-iommu";
    char *called = argc > 0 ? argv[0] : NULL;
    int code;

    setlocale(LC_ALL, ""); /* for the widths of what goes into tables */
    if (argc > 0)
        argv[0] = name; /* getopt_long() begins its complaints with it */
    code = parse_and_run(root, argc, argv);
    if (argc > 0)
        argv[0] = called;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain("cannot write to standard output");
        return EXIT_FAILED;
    }
    return code;
}
