/* SPDX-License-Identifier: MIT */
#include "overlay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Any bytes: those that are not plain are escaped. */
static void put_string(FILE *file, const char *text)
{
    putc('"', file);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(file, "\\%c", *text);
        else if (*text < ' ' || *text > '~')
            fprintf(file, "\\x%02x", (unsigned char)*text);
        else
            putc(*text, file);
    }
    putc('"', file);
}

static void put_fragment(FILE *file, size_t number, const char *target, const char *body)
{
    fprintf(file, "\n\tfragment@%zu {\n\t\ttarget-path = ", number);
    put_string(file, target);
    fprintf(file, ";\n\n\t\t__overlay__ {\n%s\t\t};\n\t};\n", body);
}

static void put_overlay(FILE *file, const struct overlay *overlay)
{
    bool by_phandle = overlay->binding == OVERLAY_IOMMU_EL2_V1;
    size_t i, number = 0;

    fputs("/dts-v1/;\n/plugin/;\n\n"
          "/* By xen-iommu export: what was protected at that moment. It does not follow a device "
          "that\n * moves to another domain, nor a Xen that is booted with other options. */\n"
          "/ {",
          file);
    if (by_phandle && overlay->count > 0)
        put_fragment(file, number++, "/",
                     "\t\t\txen_iommu: xen-iommu {\n"
                     "\t\t\t\tcompatible = \"xen,iommu-el2-v1\";\n"
                     "\t\t\t\t#iommu-cells = <0>;\n"
                     "\t\t\t};\n");
    for (i = 0; i < overlay->count; i++)
        put_fragment(file, number++, overlay->paths[i],
                     by_phandle ? "\t\t\tiommus = <&xen_iommu>;\n" : "\t\t\txen,iommu = \"on\";\n");
    fputs(overlay->count > 0 ? "};\n" : "\n};\n", file);
}

int overlay_to_dts(const struct overlay *overlay, char **data, size_t *size)
{
    FILE *file = open_memstream(data, size);
    bool failed;

    if (file == NULL) {
        *data = NULL;
        return -ENOMEM;
    }
    put_overlay(file, overlay);
    failed = ferror(file) != 0;
    if (fclose(file) == 0 && !failed)
        return 0;
    free(*data);
    *data = NULL;
    return -ENOMEM;
}
