/* SPDX-License-Identifier: MIT */
/*
 * auditor --truth JOURNAL | --xen --device DEVICE... [option...]: watches what xen-iommud publishes
 * and what is true until SIGTERM or SIGINT, and tells every claim that says more. README.md has the
 * rest.
 *
 * Exit 0: nothing found; 1: something; 2: usage, or it could not look.
 */
#include "audit.h"

#include <err.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct options {
    const char *truth, *lock;
    bool xen, announce;
    char **devices;
    size_t device_count;
    char **still; /* devices that nobody moves: asked about once */
    size_t still_count;
    uint64_t interval; /* ns */
};

static void usage(void)
{
    fputs("usage: auditor --truth JOURNAL | --xen --device DEVICE... [--still DEVICE]... [--lock "
          "FILE] [--json] "
          "[--announce]\n"
          "               [--allow-overlap-ms N] [--allow-ready-ms N] [--interval-us N]\n"
          "               [--dom0 relaxed|strict|passthrough|pvh] [--uncovered DEVICE]... "
          "[--bridge DEVICE]...\n",
          stderr);
    exit(2);
}

static uint64_t number(const char *name, const char *text, uint64_t unit)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (end == text || *end || value > 3600000000u)
        errx(2, "--%s: '%s' is no number", name, text);
    return value * unit;
}

static void append(char ***list, size_t *count, char *text)
{
    *list = realloc(*list, (*count + 1) * sizeof(**list));
    if (!*list)
        err(2, "no memory");
    (*list)[(*count)++] = text;
}

static void set_dom0(struct machine *machine, const char *word)
{
    static const char *const words[] = {"relaxed", "strict", "passthrough", "pvh"};

    for (int i = 0; i < 4; i++) {
        if (strcmp(word, words[i]) == 0) {
            machine->dom0 = i;
            return;
        }
    }
    errx(2, "--dom0: '%s' is none of relaxed, strict, passthrough, pvh", word);
}

static const struct option LONG[] = {
    {"truth", 1, NULL, 't'},
    {"xen", 0, NULL, 'x'},
    {"device", 1, NULL, 'd'},
    {"still", 1, NULL, 's'},
    {"lock", 1, NULL, 'l'},
    {"each", 0, NULL, 'e'},
    {"json", 0, NULL, 'j'},
    {"announce", 0, NULL, 'a'},
    {"dom0", 1, NULL, '0'},
    {"uncovered", 1, NULL, 'u'},
    {"bridge", 1, NULL, 'b'},
    {"interval-us", 1, NULL, 'i'},
    {"allow-ready-ms", 1, NULL, 'r'},
    {"allow-overlap-ms", 1, NULL, 'o'},
    {NULL, 0, NULL, 0},
};

static void take_machine(int option, struct machine *machine)
{
    switch (option) {
    case '0':
        set_dom0(machine, optarg);
        break;
    case 'u':
        append(&machine->uncovered, &machine->uncovered_count, optarg);
        break;
    case 'b':
        append(&machine->bridges, &machine->bridge_count, optarg);
        break;
    default:
        usage();
    }
}

static void take(int option, const char *name, struct options *options, struct audit *audit)
{
    switch (option) {
    case 't':
        options->truth = optarg;
        break;
    case 'x':
        options->xen = true;
        break;
    case 'd':
        append(&options->devices, &options->device_count, optarg);
        break;
    case 's':
        append(&options->still, &options->still_count, optarg);
        break;
    case 'l':
        options->lock = optarg;
        break;
    case 'e':
        audit->report.each = true;
        break;
    case 'j':
        audit->report.json = true;
        break;
    case 'a':
        options->announce = true;
        break;
    case 'i':
        options->interval = number(name, optarg, 1000);
        break;
    case 'r':
        audit->allow_ready = number(name, optarg, 1000000);
        break;
    case 'o':
        audit->allow_overlap = number(name, optarg, 1000000);
        break;
    default:
        take_machine(option, &audit->machine);
    }
}

static void parse(int argc, char **argv, struct options *options, struct audit *audit)
{
    int option, index = 0;

    audit->allow_overlap = 1000000000;
    audit->allow_ready = UINT64_MAX;
    options->interval = 1000000;
    while ((option = getopt_long(argc, argv, "", LONG, &index)) != -1)
        take(option, LONG[index].name, options, audit);
    if (optind != argc || !options->truth == !options->xen)
        usage();
    if (audit->allow_ready == UINT64_MAX)
        audit->allow_ready = audit->allow_overlap;
}

/* For who waits for it. */
static void say(const struct audit *audit, const char *what)
{
    printf(audit->report.json ? "{\"%s\":true}\n" : "%s\n", what);
    fflush(stdout);
}

static void say_swept(const struct audit *audit)
{
    if (audit->report.json) {
        say(audit, "swept");
        return;
    }
    printf("swept; %lu looks so far, and %lu rounds of questions to Xen, in %.1f s\n",
           audit->report.looks, audit->source->rounds,
           (double)(now_ns() - audit->report.begin) / 1e9);
    fflush(stdout);
}

/* Until a signal of these comes, but for SIGUSR1, which asks for a look at all trees. They are
 * blocked. */
static void watch(struct audit *audit, const struct options *options, const sigset_t *ends)
{
    struct timespec pause = {.tv_nsec = 0};
    bool announced = !options->announce, asked = false;
    uint64_t next = now_ns();

    for (;;) {
        uint64_t now;
        uint64_t began = now_ns();
        bool looked;
        int number;

        if (asked)
            audit->swept = 0;
        looked = audit_step(audit);
        if (looked && !announced) {
            say(audit, "watching");
            announced = true;
        }
        next += options->interval;
        now = now_ns();
        if (next < 2 * now - began) /* half of a processor is for others */
            next = 2 * now - began;
        if (asked && looked)
            say_swept(audit);
        asked = asked && !looked;
        pause.tv_sec = (time_t)((next - now) / 1000000000u);
        pause.tv_nsec = (long)((next - now) % 1000000000u);
        number = sigtimedwait(ends, NULL, &pause);
        if (number == SIGUSR1)
            asked = true;
        else if (number > 0)
            return;
    }
}

int main(int argc, char **argv)
{
    struct options options = {.truth = NULL};
    struct audit audit = {.swept = 0};
    sigset_t ends;
    bool found;

    parse(argc, argv, &options, &audit);
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGUSR1);
    if (sigprocmask(SIG_BLOCK, &ends, NULL))
        err(2, "blocking signals");
    signal(SIGPIPE, SIG_IGN);
    audit.source = options.xen ? source_xen(options.devices, options.device_count, options.still,
                                            options.still_count, options.lock)
                               : source_journal(options.truth);
    audit.report.begin = now_ns();
    watch(&audit, &options, &ends);
    audit_end(&audit);
    audit.report.rounds = audit.source->rounds;
    audit.report.longest_unasked = audit.source->longest_gap;
    found = report_summary(&audit.report, now_ns());
    source_close(audit.source);
    free(options.devices);
    free(options.still);
    free(audit.machine.uncovered);
    free(audit.machine.bridges);
    return found;
}
