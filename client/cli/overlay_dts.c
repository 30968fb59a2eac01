/* SPDX-License-Identifier: MIT */
#include "overlay.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A stream in memory does not keep its errors, where there was none left. */
struct out {
    FILE *file;
    bool failed;
};

static void put(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct out *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    out->failed = vfprintf(out->file, format, args) < 0 || out->failed;
    va_end(args);
}

/* Any bytes: those that are not plain are escaped. */
static void put_string(struct out *out, const char *text)
{
    put(out, "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            put(out, "\\%c", *text);
        else if (*text < ' ' || *text > '~')
            put(out, "\\x%02x", (unsigned char)*text);
        else
            put(out, "%c", *text);
    }
    put(out, "\"");
}

static void put_fragment(struct out *out, size_t number, const char *target, const char *body)
{
    put(out, "\n\tfragment@%zu {\n\t\ttarget-path = ", number);
    put_string(out, target);
    put(out, ";\n\n\t\t__overlay__ {\n%s\t\t};\n\t};\n", body);
}

static void put_overlay(struct out *out, const struct overlay *overlay)
{
    bool by_phandle = overlay->binding == OVERLAY_IOMMU_EL2_V1;
    size_t i, number = 0;

    put(out,
        "/dts-v1/;\n/plugin/;\n\n"
        "/* By xen-iommu export: what was protected at that moment. It does not follow a device "
        "that\n * moves to another domain, nor a Xen that is booted with other options. */\n"
        "/ {");
    if (by_phandle && overlay->count > 0)
        put_fragment(out, number++, "/",
                     "\t\t\txen_iommu: xen-iommu {\n"
                     "\t\t\t\tcompatible = \"xen,iommu-el2-v1\";\n"
                     "\t\t\t\t#iommu-cells = <0>;\n"
                     "\t\t\t};\n");
    for (i = 0; i < overlay->count; i++)
        put_fragment(out, number++, overlay->paths[i],
                     by_phandle ? "\t\t\tiommus = <&xen_iommu>;\n" : "\t\t\txen,iommu = \"on\";\n");
    put(out, "%s", overlay->count > 0 ? "};\n" : "\n};\n");
}

int overlay_to_dts(const struct overlay *overlay, char **data, size_t *size)
{
    struct out out = {.file = open_memstream(data, size)};

    if (out.file == NULL) {
        *data = NULL;
        return -ENOMEM;
    }
    put_overlay(&out, overlay);
    if (fclose(out.file) == 0 && !out.failed && *data != NULL)
        return 0;
    free(*data);
    *data = NULL;
    return -ENOMEM;
}
