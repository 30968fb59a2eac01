/* SPDX-License-Identifier: MIT */
#include "fake.h"
#include "textfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct textfile devices_file = {.name = "devices"};
static struct device *devices;
static size_t device_count;

static bool parse_address(const char *text, uint32_t *sbdf)
{
    unsigned int segment, bus, device, function;
    int end = 0;

    if (sscanf(text, "%x:%x:%x.%x%n", &segment, &bus, &device, &function, &end) != 4 || text[end])
        return false;
    if (segment > 0xffff || bus > 0xff || device > 0x1f || function > 7)
        return false;
    *sbdf = segment << 16 | bus << 8 | device << 3 | function;
    return true;
}

static int parse_owner(const char *text)
{
    if (strcmp(text, "io") == 0)
        return OWNER_UNASSIGNED;
    if (strcmp(text, "none") == 0)
        return OWNER_NONE;
    return (int)strtol(text, NULL, 10);
}

static void append_line(const char *line)
{
    struct device device = {.owner = OWNER_NONE}, *larger;
    char owner[16];

    if (sscanf(line, "%255s %15s %63s", device.id, owner, device.group) < 2)
        return;
    device.owner = parse_owner(owner);
    device.is_pci = device.id[0] != '/' && parse_address(device.id, &device.sbdf);
    larger = realloc(devices, (device_count + 1) * sizeof(*devices));
    if (!larger) {
        fprintf(stderr, "fakexen: no memory for %s\n", device.id);
        return;
    }
    devices = larger;
    devices[device_count++] = device;
}

const struct device *devices_get(size_t *count)
{
    char line[512];

    if (textfile_refresh(&devices_file)) {
        device_count = 0;
        for (const char *text = devices_file.text;
             (text = textfile_next_line(text, line, sizeof(line)));)
            append_line(line);
    }
    *count = device_count;
    return devices;
}
