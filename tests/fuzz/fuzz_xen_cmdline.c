/* SPDX-License-Identifier: MIT */
/* Xen's command line, as hostile bytes: what is built in, a new line, and what was given. */
#include "fuzz.h"

#include "parse/xen_cmdline.h"

static bool is_a_claim(enum dom0_mode mode)
{
    return mode == DOM0_RELAXED || mode == DOM0_STRICT || mode == DOM0_TRANSLATED;
}

static bool same(const struct xen_cmdline *a, const struct xen_cmdline *b)
{
    return a->pv_dom0 == b->pv_dom0 && a->pvh_dom0 == b->pvh_dom0 && a->igfx == b->igfx &&
           a->quarantine == b->quarantine && a->bios_workaround == b->bios_workaround &&
           a->ats == b->ats && a->intremap == b->intremap && a->map_inclusive == b->map_inclusive &&
           a->reserved == b->reserved;
}

static struct xen_cmdline parse(const char *builtin, const char *given, bool cut)
{
    const struct xen_options options = {.builtin = builtin, .given = given, .cut = cut};
    struct xen_cmdline result;

    memset(&result, 0x5a, sizeof(result));
    xen_cmdline_parse(&options, &result);
    require(result.pv_dom0 != DOM0_TRANSLATED);
    require(result.pvh_dom0 != DOM0_RELAXED && result.pvh_dom0 != DOM0_STRICT);
    require(result.igfx <= XEN_ON && result.quarantine <= XEN_ON && result.ats <= XEN_ON);
    require(result.bios_workaround <= XEN_ON && result.intremap <= XEN_ON);
    require(result.map_inclusive <= XEN_ON && result.reserved <= XEN_ON);
    return result;
}

/* first, a blank, second; the caller frees it. */
static char *join(const char *first, const char *second)
{
    size_t size = strlen(first) + strlen(second) + 2;
    char *text = malloc(size);

    require(text != NULL);
    strcpy(text, first);
    strcat(strcat(text, " "), second);
    return text;
}

/* What follows in one more option. */
static struct xen_cmdline parse_with(const char *builtin, const char *given, const char *option)
{
    char *longer = join(given, option);
    struct xen_cmdline result = parse(builtin, longer, false);

    free(longer);
    return result;
}

static void check(const char *builtin, const char *given)
{
    struct xen_cmdline whole = parse(builtin, given, false), cut = parse(builtin, given, true);
    struct xen_cmdline more = parse_with(builtin, given, "iommu=something-new");
    char *line = join(builtin, given);
    struct xen_cmdline joined = parse(NULL, line, false);

    free(line);
    require(same(&joined, &whole));
    /* What may be missing makes nothing better. */
    require(!is_a_claim(cut.pv_dom0) && !is_a_claim(cut.pvh_dom0));
    require(cut.intremap != XEN_ON && cut.quarantine != XEN_ON && cut.igfx != XEN_ON);
    require(cut.ats != XEN_OFF && cut.map_inclusive != XEN_OFF && cut.reserved != XEN_OFF);
    /* What is not understood is as what is missing; what is none of ours changes nothing. */
    require(same(&more, &cut));
    more = parse_with(builtin, given, "console=vga sync_console something-new=1");
    require(same(&more, &whole));
    /* Of a switch the last word counts. */
    require(parse_with(builtin, given, "iommu=no-intremap").intremap == XEN_OFF);
    require(parse_with(builtin, given, "ats").ats == XEN_ON);
    require(parse_with(builtin, given, "iommu=no-quarantine").quarantine == XEN_OFF);
    require(parse_with(builtin, given, "dom0-iommu=map-inclusive").map_inclusive == XEN_ON);
    require(parse_with(builtin, given, "rmrr=1").reserved == XEN_ON);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_text rest = {(const char *)data, size}, line = {"", 0};
    char *builtin, *given;

    fuzz_cut(&rest, '\n', &line);
    builtin = fuzz_string(line);
    given = fuzz_string(rest);
    check(builtin, given);
    free(builtin);
    free(given);
    return 0;
}
