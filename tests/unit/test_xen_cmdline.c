/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "parse/xen_cmdline.h"

#define A50 "verbose,verbose,verbose,verbose,verbose,verbose,ver"

static const struct {
    const char *text;
    enum dom0_mode mode;
    bool graphics_off;
} rows[] = {
    {"", DOM0_RELAXED, false},
    {"console=com1 dom0_mem=768M,max:768M iommu=on", DOM0_RELAXED, false},
    {"dom0-iommu=strict", DOM0_STRICT, false},
    {"dom0-iommu=map-inclusive,strict,map-reserved=no", DOM0_STRICT, false},
    {"dom0-iommu=strict=yes", DOM0_STRICT, false},
    {"dom0-iommu=strict=0", DOM0_RELAXED, false},
    {"dom0-iommu=strict dom0-iommu=no-strict", DOM0_RELAXED, false},
    {"dom0-iommu=passthrough", DOM0_PASSTHROUGH, false},
    {"dom0-iommu=passthrough,strict", DOM0_PASSTHROUGH, false},
    {"dom0-iommu=passthrough dom0-iommu=passthrough=off", DOM0_RELAXED, false},
    {"iommu=dom0-passthrough", DOM0_PASSTHROUGH, false},
    {"iommu=verbose,dom0-strict", DOM0_STRICT, false},
    {"iommu=no-dom0-strict,dom0-strict", DOM0_STRICT, false},
    {"iommu=no-igfx", DOM0_RELAXED, true},
    {"iommu=igfx=off,dom0-strict", DOM0_STRICT, true},
    {"iommu=no-igfx,igfx", DOM0_RELAXED, false},
    {"xdom0-iommu=strict dom0-iommux=strict", DOM0_RELAXED, false},
    /* Xen does not read these as they look; what a later one would do is not known. */
    {"dom0_iommu=strict", DOM0_MODE_UNKNOWN, false},
    {"iommu=on;dom0-strict", DOM0_MODE_UNKNOWN, false},
    {"iommu=dom0_strict", DOM0_MODE_UNKNOWN, false},
    {"dom0-iommu=none", DOM0_MODE_UNKNOWN, false},
    {"dom0-iommu=strict,later-invention", DOM0_MODE_UNKNOWN, false},
    {"dom0-iommu=strict=perhaps", DOM0_MODE_UNKNOWN, false},
    {"dom0-iommu=no-strict=yes", DOM0_MODE_UNKNOWN, false},
    {"hardware_dom=3 dom0-iommu=strict", DOM0_MODE_UNKNOWN, false},
    /* Xen reads 127 bytes of an option. */
    {"iommu=" A50 A50 A50 ",dom0-strict", DOM0_MODE_UNKNOWN, false},
    /* Xen cuts at the first " -- " itself; another one is an option like any other. */
    {"-- dom0-iommu=passthrough", DOM0_PASSTHROUGH, false},
    {"a\tdom0-iommu=strict", DOM0_RELAXED, false},
};

static void options(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct xen_cmdline result = {.graphics_off = !rows[i].graphics_off};

        xen_cmdline_parse(rows[i].text, false, &result);
        if (result.dom0_mode != rows[i].mode || result.graphics_off != rows[i].graphics_off)
            fail_msg("\"%s\": mode %d, graphics_off %d", rows[i].text, result.dom0_mode,
                     result.graphics_off);
    }
}

static void what_may_be_cut_is_unknown(void **state)
{
    struct xen_cmdline result;

    (void)state;
    xen_cmdline_parse("dom0-iommu=strict", true, &result);
    assert_int_equal(result.dom0_mode, DOM0_MODE_UNKNOWN);
    /* Passthrough says nothing that could do harm. */
    xen_cmdline_parse("dom0-iommu=passthrough", true, &result);
    assert_int_equal(result.dom0_mode, DOM0_PASSTHROUGH);
}

static void quarantine(void **state)
{
    static const struct {
        const char *text;
        bool off;
    } words[] = {
        {"", false},
        {"iommu=quarantine", false},
        {"iommu=quarantine=scratch-page", false},
        {"iommu=no-quarantine", true},
        {"iommu=verbose,quarantine=off", true},
        {"iommu=no-quarantine,quarantine", false},
    };
    struct xen_cmdline result;

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        xen_cmdline_parse(words[i].text, false, &result);
        assert_int_equal(result.quarantine_off, words[i].off);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options),
        cmocka_unit_test(what_may_be_cut_is_unknown),
        cmocka_unit_test(quarantine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
