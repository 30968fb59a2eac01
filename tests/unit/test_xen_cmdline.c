/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <string.h>

#include "parse/xen_cmdline.h"

/* 120 characters, words that change nothing. */
#define V40  "verbose,verbose,verbose,verbose,verbose,"
#define V120 V40 V40 V40
/* 104 of dom0-iommu=, the same. */
#define R26  "map-reserved,map-reserved,"
#define R104 R26 R26 R26 R26

#define UNKNOWN     DOM0_MODE_UNKNOWN
#define RELAXED     DOM0_RELAXED
#define STRICT      DOM0_STRICT
#define PASSTHROUGH DOM0_PASSTHROUGH
#define TRANSLATED  DOM0_TRANSLATED

static void parse(const char *builtin, const char *given, struct xen_cmdline *result)
{
    struct xen_options options = {.builtin = builtin, .given = given};

    memset(result, 0x5a, sizeof(*result));
    xen_cmdline_parse(&options, result);
}

static const struct {
    const char *text;
    enum dom0_mode pv, pvh;
} modes[] = {
    {"", RELAXED, TRANSLATED},
    {"   ", RELAXED, TRANSLATED},
    {"console=com1 dom0_mem=768M,max:768M iommu=on", RELAXED, TRANSLATED},
    /* Every word of dom0-iommu=, in every form. */
    {"dom0-iommu", RELAXED, TRANSLATED},
    {"dom0-iommu=", RELAXED, TRANSLATED},
    {"dom0-iommu=,,", RELAXED, TRANSLATED},
    {"dom0-iommu=strict", STRICT, TRANSLATED},
    {"dom0-iommu=strict=yes", STRICT, TRANSLATED},
    {"dom0-iommu=strict=on", STRICT, TRANSLATED},
    {"dom0-iommu=strict=true", STRICT, TRANSLATED},
    {"dom0-iommu=strict=enable", STRICT, TRANSLATED},
    {"dom0-iommu=strict=1", STRICT, TRANSLATED},
    {"dom0-iommu=strict=no", RELAXED, TRANSLATED},
    {"dom0-iommu=strict=off", RELAXED, TRANSLATED},
    {"dom0-iommu=strict=false", RELAXED, TRANSLATED},
    {"dom0-iommu=strict=disable", RELAXED, TRANSLATED},
    {"dom0-iommu=strict=0", RELAXED, TRANSLATED},
    {"dom0-iommu=no-strict", RELAXED, TRANSLATED},
    {"dom0-iommu=passthrough", PASSTHROUGH, TRANSLATED},
    {"dom0-iommu=no-passthrough", RELAXED, TRANSLATED},
    {"dom0-iommu=passthrough=off", RELAXED, TRANSLATED},
    {"dom0-iommu=map-inclusive,strict,map-reserved=no", STRICT, TRANSLATED},
    {"dom0-iommu=no-map-inclusive,no-map-reserved", RELAXED, TRANSLATED},
    /* "none" only keeps Xen from forcing strict mode upon a PVH dom0. */
    {"dom0-iommu=none", RELAXED, UNKNOWN},
    {"dom0-iommu=none,strict", STRICT, TRANSLATED},
    {"dom0-iommu=passthrough,none", PASSTHROUGH, PASSTHROUGH},
    {"dom0-iommu=passthrough,none,strict", STRICT, TRANSLATED},
    {"dom0-iommu=none=no", UNKNOWN, UNKNOWN},
    {"dom0-iommu=no-none", UNKNOWN, UNKNOWN},
    /* Strict drops passthrough, wherever they stand. */
    {"dom0-iommu=passthrough,strict", STRICT, TRANSLATED},
    {"dom0-iommu=strict,passthrough", STRICT, TRANSLATED},
    {"dom0-iommu=strict dom0-iommu=passthrough", STRICT, TRANSLATED},
    {"iommu=dom0-passthrough,dom0-strict", STRICT, TRANSLATED},
    {"iommu=dom0-strict dom0-iommu=passthrough", STRICT, TRANSLATED},
    {"dom0-iommu=strict,passthrough,no-strict", PASSTHROUGH, TRANSLATED},
    /* The last one wins. */
    {"dom0-iommu=strict dom0-iommu=no-strict", RELAXED, TRANSLATED},
    {"dom0-iommu=passthrough dom0-iommu=passthrough=off", RELAXED, TRANSLATED},
    {"iommu=no-dom0-strict,dom0-strict", STRICT, TRANSLATED},
    {"iommu=dom0-strict dom0-iommu=no-strict", RELAXED, TRANSLATED},
    /* The words of iommu=. */
    {"iommu", RELAXED, TRANSLATED},
    {"iommu=dom0-passthrough", PASSTHROUGH, TRANSLATED},
    {"iommu=dom0-passthrough=no", RELAXED, TRANSLATED},
    {"iommu=verbose,dom0-strict", STRICT, TRANSLATED},
    {"iommu=force,required,quarantine,quarantine=scratch-page,igfx,qinval,superpages,verbose",
     RELAXED, TRANSLATED},
    {"iommu=no-snoop,no-intremap,intpost=1,crash-disable,debug,no-amd-iommu-perdev-intremap",
     RELAXED, TRANSLATED},
    {"iommu=no-sharept,workaround_bios_bug,off,dom0-strict", STRICT, TRANSLATED},
    {"no-iommu", RELAXED, TRANSLATED},
    /* Not ours. */
    {"xdom0-iommu=strict dom0-iommux=strict iommux=dom0-strict", RELAXED, TRANSLATED},
    {"DOM0-IOMMU=strict", RELAXED, TRANSLATED},
    {"a\tdom0-iommu=strict", RELAXED, TRANSLATED},
    {"a dom0-iommu=strict", STRICT, TRANSLATED},
    {"iommu_inclusive_mapping iommu_dev_iotlb_timeout=5", RELAXED, TRANSLATED},
    {"hardware_dom=0 dom0-iommu=strict", STRICT, TRANSLATED},
    /* Xen cuts at the first " -- " itself; another one is an option like any other. */
    {"-- dom0-iommu=passthrough", PASSTHROUGH, TRANSLATED},
    /* Xen does not read these as they look, or not at all; another Xen might. */
    {"dom0_iommu=strict", UNKNOWN, UNKNOWN},
    {"no-dom0-iommu", UNKNOWN, UNKNOWN},
    {"no-dom0-iommu=strict", UNKNOWN, UNKNOWN},
    {"no-iommu=dom0-strict", UNKNOWN, UNKNOWN},
    {"iommu=on;dom0-strict", UNKNOWN, UNKNOWN},
    {"iommu=dom0_strict", UNKNOWN, UNKNOWN},
    {"iommu=later-invention", UNKNOWN, UNKNOWN},
    {"iommu=quarantine=perhaps", UNKNOWN, UNKNOWN},
    {"iommu=no-verbose=1", UNKNOWN, UNKNOWN},
    {"dom0-iommu=strict,later-invention", UNKNOWN, UNKNOWN},
    {"dom0-iommu=strict=perhaps", UNKNOWN, UNKNOWN},
    {"dom0-iommu=strict=", UNKNOWN, UNKNOWN},
    {"dom0-iommu=no-strict=yes", UNKNOWN, UNKNOWN},
    {"dom0-iommu=Strict", UNKNOWN, UNKNOWN},
    {"dom0-iommu= strict", RELAXED, TRANSLATED},
    {"dom0-iommu=\"strict\"", UNKNOWN, UNKNOWN},
    {"hardware_dom=3 dom0-iommu=strict", UNKNOWN, UNKNOWN},
    {"no-hardware_dom=3", UNKNOWN, UNKNOWN},
    {"hardware_dom", UNKNOWN, UNKNOWN},
    /* Passthrough says nothing that could do harm. */
    {"dom0-iommu=passthrough,later-invention", PASSTHROUGH, UNKNOWN},
    {"dom0-iommu=passthrough,strict,later-invention", UNKNOWN, UNKNOWN},
    /* 127 and 128 characters: of the latter Xen reads all but the last. */
    {"iommu=" V120 ",", RELAXED, TRANSLATED},
    {"iommu=" V120 ",,", UNKNOWN, UNKNOWN},
    {"dom0-iommu=" R104 ",,,,,,strict", STRICT, TRANSLATED},
    {"dom0-iommu=" R104 ",,,,,,,strict", UNKNOWN, UNKNOWN},
    {"iommu=" V40 V40 "verbose,verbose,verbose,on,,,,dom0-strict", STRICT, TRANSLATED},
    {"iommu=" V40 V40 "verbose,verbose,verbose,on,,,,,dom0-strict", UNKNOWN, UNKNOWN},
    {"console=" V120 V120 " dom0-iommu=strict", STRICT, TRANSLATED},
};

static void dom0_modes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        struct xen_cmdline result;

        parse(NULL, modes[i].text, &result);
        if (result.pv_dom0 != modes[i].pv || result.pvh_dom0 != modes[i].pvh)
            fail_msg("\"%s\": PV %d, PVH %d", modes[i].text, result.pv_dom0, result.pvh_dom0);
    }
}

/* One line of text, and one of its switches. */
static const struct {
    const char *text;
    size_t offset;
    enum xen_switch value;
} switches[] = {
#define ROW(text, field, value)                                                                    \
    {                                                                                              \
        text, offsetof(struct xen_cmdline, field), XEN_##value                                     \
    }
    ROW("", iommu, ON),
    ROW("iommu=off", iommu, OFF),
    ROW("iommu=off iommu=on", iommu, ON),
    ROW("no-iommu", iommu, OFF),
    ROW("iommu=later-invention", iommu, UNKNOWN),
    ROW("iommu=off,later-invention", iommu, OFF),
    ROW("", igfx, ON),
    ROW("iommu=no-igfx", igfx, OFF),
    ROW("iommu=igfx=off,dom0-strict", igfx, OFF),
    ROW("iommu=no-igfx,igfx", igfx, ON),
    ROW("iommu=no-igfx iommu=igfx=0", igfx, OFF),
    ROW("no-igfx igfx=off", igfx, ON),
    ROW("iommu=igfx=maybe", igfx, UNKNOWN),
    ROW("iommu=no-igfx,later-invention", igfx, OFF),
    ROW("iommu=later-invention", igfx, UNKNOWN),
    ROW("dom0-iommu=later-invention", igfx, UNKNOWN),
    ROW("", quarantine, ON),
    ROW("iommu=quarantine", quarantine, ON),
    ROW("iommu=quarantine=scratch-page", quarantine, ON),
    ROW("iommu=quarantine=basic", quarantine, UNKNOWN),
    ROW("iommu=no-quarantine", quarantine, OFF),
    ROW("iommu=verbose,quarantine=off", quarantine, OFF),
    ROW("iommu=no-quarantine,quarantine", quarantine, ON),
    ROW("iommu=no-quarantine,quarantine=scratch-page", quarantine, ON),
    ROW("iommu=no-quarantine,later-invention", quarantine, OFF),
    ROW("", bios_workaround, OFF),
    ROW("iommu=workaround_bios_bug", bios_workaround, ON),
    ROW("iommu=no-workaround_bios_bug", bios_workaround, OFF),
    ROW("iommu=workaround_bios_bug=no", bios_workaround, OFF),
    ROW("iommu=workaround-bios-bug", bios_workaround, UNKNOWN),
    ROW("", ats, OFF),
    ROW("ats", ats, ON),
    ROW("ats=", ats, ON),
    ROW("ats=1", ats, ON),
    ROW("ats=off", ats, OFF),
    ROW("no-ats", ats, OFF),
    ROW("no-ats=off", ats, ON),
    ROW("no-ats=yes", ats, OFF),
    ROW("ats no-ats", ats, OFF),
    ROW("no-ats ats=true", ats, ON),
    ROW("ats=trusted", ats, UNKNOWN),
    ROW("ats=trusted ats=no", ats, OFF),
    ROW("iommu=ats", ats, UNKNOWN),
    ROW("hats=1 ats2", ats, OFF),
    ROW("", intremap, ON),
    ROW("iommu=no-intremap", intremap, OFF),
    ROW("iommu=intremap=off", intremap, OFF),
    ROW("iommu=no-intremap,intremap", intremap, ON),
    ROW("intremap=off no-intremap", intremap, ON),
    ROW("iommu=off", intremap, OFF),
    ROW("iommu=0,1", intremap, ON),
    ROW("iommu=on iommu=disable", intremap, OFF),
    ROW("no-iommu", intremap, OFF),
    ROW("no-iommu iommu=force", intremap, OFF),
    ROW("no-iommu iommu=yes", intremap, ON),
    ROW("iommu=no-intpost", intremap, ON),
    ROW("iommu=no-qinval", intremap, UNKNOWN),
    ROW("iommu=no-qinval,no-intremap", intremap, OFF),
    ROW("iommu=no-qinval,qinval", intremap, ON),
    ROW("iommu=intremap=maybe", intremap, UNKNOWN),
    ROW("", map_inclusive, OFF),
    ROW("dom0-iommu=map-inclusive", map_inclusive, ON),
    ROW("dom0-iommu=strict,map-inclusive=yes", map_inclusive, ON),
    ROW("dom0-iommu=map-inclusive,no-map-inclusive", map_inclusive, OFF),
    ROW("dom0-iommu=map-reserved", map_inclusive, OFF),
    ROW("iommu_inclusive_mapping", map_inclusive, ON),
    ROW("iommu_inclusive_mapping=1 dom0-iommu=map-inclusive=0", map_inclusive, OFF),
    ROW("dom0-iommu=map-inclusive no-iommu_inclusive_mapping", map_inclusive, OFF),
    ROW("iommu_inclusive_mapping=perhaps", map_inclusive, UNKNOWN),
    ROW("dom0-iommu=map-inclusive=perhaps", map_inclusive, UNKNOWN),
    ROW("", reserved, OFF),
    ROW("rmrr=d5d45=0:1d.0", reserved, ON),
    ROW("ivmd=d5d45=0:1d.0;0xd5d46-0xd5d48=0:1a.0", reserved, ON),
    ROW("xrmrr=1 rmrr2", reserved, OFF),
};

static void single_switches(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        struct xen_cmdline result;
        enum xen_switch value;

        parse(NULL, switches[i].text, &result);
        memcpy(&value, (const char *)&result + switches[i].offset, sizeof(value));
        if (value != switches[i].value)
            fail_msg("row %zu, \"%s\": %d", i, switches[i].text, value);
    }
}

/* All that might be hidden in what is missing. */
static void what_may_be_cut_is_unknown(void **state)
{
    struct xen_options options = {.given = "dom0-iommu=strict ats=0 iommu=quarantine", .cut = true};
    struct xen_cmdline result;

    (void)state;
    xen_cmdline_parse(&options, &result);
    assert_int_equal(result.pv_dom0, DOM0_MODE_UNKNOWN);
    assert_int_equal(result.pvh_dom0, DOM0_MODE_UNKNOWN);
    assert_int_equal(result.igfx, XEN_UNKNOWN);
    assert_int_equal(result.quarantine, XEN_UNKNOWN);
    assert_int_equal(result.bios_workaround, XEN_UNKNOWN);
    assert_int_equal(result.ats, XEN_UNKNOWN);
    assert_int_equal(result.intremap, XEN_UNKNOWN);
    assert_int_equal(result.map_inclusive, XEN_UNKNOWN);
    assert_int_equal(result.reserved, XEN_UNKNOWN);
    options.given = "dom0-iommu=passthrough ats rmrr=1 iommu=no-quarantine";
    xen_cmdline_parse(&options, &result);
    assert_int_equal(result.pv_dom0, DOM0_PASSTHROUGH);
    assert_int_equal(result.ats, XEN_ON);
    assert_int_equal(result.reserved, XEN_ON);
    assert_int_equal(result.quarantine, XEN_OFF);
}

static void built_in_options_come_first(void **state)
{
    struct xen_options options = {.given = "", .quarantine_none = true};
    struct xen_cmdline result;

    (void)state;
    parse("dom0-iommu=passthrough ats", "console=com1", &result);
    assert_int_equal(result.pv_dom0, DOM0_PASSTHROUGH);
    assert_int_equal(result.ats, XEN_ON);
    parse("dom0-iommu=passthrough ats", "dom0-iommu=no-passthrough no-ats", &result);
    assert_int_equal(result.pv_dom0, DOM0_RELAXED);
    assert_int_equal(result.ats, XEN_OFF);
    parse("dom0-iommu=strict", "dom0-iommu=passthrough", &result);
    assert_int_equal(result.pv_dom0, DOM0_STRICT);
    /* The end of the one and the beginning of the other are no option together. */
    parse("dom0-iommu=str", "ict", &result);
    assert_int_equal(result.pv_dom0, DOM0_MODE_UNKNOWN);
    parse("iommu=no-igfx,no-quarantine dom0-iommu=none", "", &result);
    assert_int_equal(result.igfx, XEN_OFF);
    assert_int_equal(result.quarantine, XEN_OFF);
    assert_int_equal(result.pvh_dom0, DOM0_MODE_UNKNOWN);
    xen_cmdline_parse(&options, &result);
    assert_int_equal(result.quarantine, XEN_OFF);
    options.given = "iommu=quarantine";
    xen_cmdline_parse(&options, &result);
    assert_int_equal(result.quarantine, XEN_ON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dom0_modes),
        cmocka_unit_test(single_switches),
        cmocka_unit_test(what_may_be_cut_is_unknown),
        cmocka_unit_test(built_in_options_come_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
