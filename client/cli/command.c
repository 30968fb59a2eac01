/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOMID_MAX 0x7fef /* the last that a domain can have */

struct command {
    const char *name;
    const char *argument; /* NULL: takes none */
    command_fn *run;
    const char *help;
};

static const struct command commands[] = {
    {"list", NULL, command_list, "every device, how far it is confined, and why"},
    {"show", "DEVICE", command_show, "one device; DEVICE as 0000:00:04.0, 00:04.0 or /soc/video@0"},
    {"status", NULL, command_status, "whether xen-iommud is ready, and how many devices are how"},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

enum { OPTION_DOMAIN = 256, OPTION_JSON, OPTION_VERSION };

static const struct option long_options[] = {
    {"domain", required_argument, NULL, OPTION_DOMAIN},
    {"json", no_argument, NULL, OPTION_JSON},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {0},
};

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

    puts("Usage: xen-iommu COMMAND [--json] [--domain N]\n"
         "Tell how far each device's DMA is confined, as xen-iommud publishes it.\n\nCommands:");
    for (i = 0; i < COMMAND_COUNT; i++)
        printf("  %-7s %-8s %s\n", commands[i].name,
               commands[i].argument != NULL ? commands[i].argument : "", commands[i].help);
    puts("\nOptions:\n"
         "  --domain N   domain N's devices as it sees them (in dom0)\n"
         "  --json       JSON instead of text\n"
         "  --version    print the version\n"
         "  -h, --help   print this help\n\n"
         "Exit status: 0 fine, and for show: protected; 1 failure; 2 usage; 3 not protected;\n"
         "4 xen-iommud is not ready.");
    return EXIT_FINE;
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

/* What is left after the options: COMMAND and its argument. */
static int run_command(int argc, char *const argv[], struct request *request)
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
    request->device = command->argument != NULL ? argv[1] : NULL;
    return command->run(request);
}

static int parse_and_run(int argc, char *argv[])
{
    struct request request = {.writer = &writer_text, .domid = -1};
    int option;

    optind = 0; /* a full restart, for callers that run more than once */
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        switch (option) {
        case OPTION_DOMAIN:
            if (parse_domid(optarg, &request.domid) != 0)
                return usage_error();
            break;
        case OPTION_JSON:
            request.writer = &writer_json;
            break;
        case OPTION_VERSION:
            puts("xen-iommu " XI_VERSION);
            return EXIT_FINE;
        case 'h':
            return print_help();
        default:
            return usage_error();
        }
    }
    return run_command(argc - optind, argv + optind, &request);
}

int run_xen_iommu(int argc, char *argv[])
{
    int code;

    setlocale(LC_ALL, ""); /* for the widths of what goes into tables */
    code = parse_and_run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain("cannot write to standard output");
        return EXIT_FAILED;
    }
    return code;
}
