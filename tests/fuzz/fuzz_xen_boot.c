/* SPDX-License-Identifier: MIT */
/* What tells how Xen was booted, as hostile bytes: its command line, its build configuration and
 * its console. The input is three texts, with zeros between them. */
#include <stdlib.h>
#include <string.h>

#include "parse/xen_boot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check(const struct xen_cmdline *result)
{
    require(result->pv_dom0 <= DOM0_PASSTHROUGH);
    require(result->pvh_dom0 == DOM0_MODE_UNKNOWN || result->pvh_dom0 == DOM0_PASSTHROUGH ||
            result->pvh_dom0 == DOM0_TRANSLATED);
    require(result->igfx <= XEN_ON && result->quarantine <= XEN_ON);
    require(result->bios_workaround <= XEN_ON && result->ats <= XEN_ON);
    require(result->intremap <= XEN_ON && result->map_inclusive <= XEN_ON);
    require(result->reserved <= XEN_ON && result->builtin <= BUILTIN_GIVEN);
}

static bool is_a_claim(enum dom0_mode mode)
{
    return mode == DOM0_RELAXED || mode == DOM0_STRICT || mode == DOM0_TRANSLATED;
}

/* However the ring was come by, a ring that is not complete makes nothing stronger. */
static void only_weakens(struct xen_boot boot, const struct xen_messages *messages)
{
    struct xen_cmdline with, without;

    boot.messages = messages;
    xen_boot_conclude(&boot, &with);
    check(&with);
    boot.messages = NULL;
    xen_boot_conclude(&boot, &without);
    require(!is_a_claim(with.pv_dom0) || with.pv_dom0 == without.pv_dom0);
    require(!is_a_claim(with.pvh_dom0) || with.pvh_dom0 == without.pvh_dom0);
    require(with.intremap != XEN_ON || without.intremap == XEN_ON);
    require(with.igfx == without.igfx && with.ats == without.ats);
    require(with.quarantine == without.quarantine && with.builtin == without.builtin);
}

static void try_all(const char *given, const struct xen_build *build, const char *ring, size_t size)
{
    struct xen_boot boot = {.given = given, .build = build};
    struct xen_messages messages;
    struct xen_cmdline result;

    xen_messages_parse(ring, size, false, &messages);
    require(messages.builtin == BUILTIN_UNKNOWN && !messages.line[0]);
    only_weakens(boot, &messages);
    xen_messages_parse(ring, size, true, &messages);
    require(memchr(messages.line, '\0', sizeof(messages.line)) != NULL);
    require(messages.builtin == BUILTIN_GIVEN || !messages.line[0]);
    boot.messages = &messages;
    xen_boot_conclude(&boot, &result);
    check(&result);
    boot.configured = given;
    boot.given_cut = true;
    xen_boot_conclude(&boot, &result);
    require(!is_a_claim(result.pv_dom0) && !is_a_claim(result.pvh_dom0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    const char *given = copy, *config, *ring, *end = copy + size;
    struct xen_build build;

    require(copy != NULL);
    memcpy(copy, data, size);
    copy[size] = '\0';
    config = strlen(given) < size ? given + strlen(given) + 1 : end;
    ring = config < end ? memchr(config, '\0', (size_t)(end - config)) : NULL;
    ring = ring ? ring + 1 : end;
    xen_build_parse(config, (size_t)(ring - config), &build);
    require(memchr(build.line, '\0', sizeof(build.line)) != NULL);
    require((build.builtin == BUILTIN_GIVEN) == (build.line[0] != '\0'));
    try_all(given, NULL, ring, (size_t)(end - ring));
    try_all(given, &build, ring, (size_t)(end - ring));
    free(copy);
    return 0;
}
