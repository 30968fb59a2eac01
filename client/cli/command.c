/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "domains.h"
#include "options.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    const char *argument; /* NULL: takes none */
    int options;          /* those that it takes */
    int needed;           /* those that it cannot do without */
    command_fn *run;
    const char *help;
};

static const struct command commands[] = {
    {"list", NULL, VIEW_OPTIONS | LIST_OPTIONS, 0, command_list,
     "every device, how far it is confined, and why"},
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
    {"metrics", NULL, METRICS_OPTIONS, 0, command_metrics,
     "numbers for Prometheus, as its node_exporter collects them from files"},
    {"graph", NULL, OPTION_DOMAIN | GRAPH_OPTIONS, 0, command_graph,
     "a picture: IOMMUs, groups, devices and the domains that have them"},
    {"export", NULL, OPTION_DOMAIN | EXPORT_OPTIONS, OPTION_BINDING, command_export,
     "the domain's protected device tree devices as an overlay"},
    {"apply", NULL, OPTION_JSON | APPLY_OPTIONS, 0, command_apply,
     "devices that need no swiotlb-xen and have it: bind them again, where not in use"},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

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
    puts("\nOptions:");
    options_help(VIEW_OPTIONS | OPTION_VERSION | OPTION_HELP);
    puts("\nOf list:");
    options_help(LIST_OPTIONS);
    puts("\nOf graph:");
    options_help(GRAPH_OPTIONS);
    puts("\nOf metrics:");
    options_help(METRICS_OPTIONS);
    puts("\nOf export:");
    options_help(EXPORT_OPTIONS);
    puts("\nOf apply:");
    options_help(APPLY_OPTIONS);
    puts(
        "\nExit status: 0 fine, and for show: protected; 1 failure; 2 usage; 3 not protected, for\n"
        "check: findings, for apply --now: a device is in use; 4 xen-iommud is not ready.");
    return EXIT_FINE;
}

static int print_command_help(const struct command *command)
{
    printf("Usage: xen-iommu %s [OPTION]...%s%s\n\n%s\n\nOptions:\n", command->name,
           command->argument != NULL ? " " : "", command->argument != NULL ? command->argument : "",
           command->help);
    options_help(command->options | OPTION_HELP);
    return EXIT_FINE;
}

/* Finds out which domain --domain names. 0, or an exit code with a complaint. */
static int find_domain(struct request *request)
{
    struct view view;
    int rc;

    if (request->domain == NULL)
        return EXIT_FINE;
    if (domain_is_number(request->domain)) {
        rc = domain_parse(NULL, request->domain, &request->domid);
        return rc == EXIT_USAGE ? usage_error() : rc;
    }
    rc = view_open_own(&view, -1);
    if (rc == 0)
        rc = domain_parse(&view.store, request->domain, &request->domid);
    if (rc < 0)
        rc = view_complain(&view, rc);
    view_close(&view);
    return rc;
}

static const struct command *find_command(const char *name)
{
    size_t i;

    for (i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* Whether the command takes the options given, has got those that it needs, and they agree. */
static bool options_fit(const struct command *command, int given)
{
    const char *wrong = option_name(given & ~command->options);
    const char *missing = option_name(command->needed & ~given);

    if (wrong != NULL)
        complain("%s does not take --%s", command->name, wrong);
    else if (missing != NULL)
        complain("%s needs --%s", command->name, missing);
    else
        return options_agree(given);
    return false;
}

/* What is left after the options: COMMAND and its argument. */
static int run_command(int argc, char *const argv[], int given, struct request *request)
{
    const struct command *command;
    int expected, code;

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
    request->device = command->argument != NULL ? argv[1] : NULL;
    code = find_domain(request);
    return code == EXIT_FINE ? command->run(request) : code;
}

static int parse_and_run(const char *root, int argc, char *argv[])
{
    struct request request = {.writer = &writer_text, .domid = -1, .root = root};
    int first, given;

    if (options_take(argc, argv, &request, &given, &first) != 0)
        return usage_error();
    if ((given & OPTION_HELP) != 0) {
        const struct command *command = first < argc ? find_command(argv[first]) : NULL;

        return command != NULL ? print_command_help(command) : print_help();
    }
    if ((given & OPTION_VERSION) != 0) {
        puts("xen-iommu " XI_VERSION);
        return EXIT_FINE;
    }
    return run_command(argc - first, argv + first, given, &request);
}

int run_xen_iommu(int argc, char *argv[])
{
    return run_xen_iommu_below("", argc, argv);
}

int run_xen_iommu_below(const char *root, int argc, char *argv[])
{
    int code;

    setlocale(LC_ALL, ""); /* for the widths of what goes into tables */
    code = parse_and_run(root, argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain("cannot write to standard output");
        return EXIT_FAILED;
    }
    return code;
}
