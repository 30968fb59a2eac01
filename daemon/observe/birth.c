/* SPDX-License-Identifier: MIT */
#include "observe/birth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

/* "1764273600.07"; without the point there are no hundredths. */
static int parse_time(char *text, struct timespec *born)
{
    char *point = strchr(text, '.');
    uint64_t seconds, hundredths = 0;

    if (point)
        *point++ = '\0';
    if (!parse_number(text, &seconds) || seconds > INT32_MAX * UINT64_C(1000))
        return -EINVAL;
    if (point && (strlen(point) != 2 || !parse_number(point, &hundredths)))
        return -EINVAL;
    *born = (struct timespec){(time_t)seconds, (long)hundredths * 10000000};
    return 0;
}

int birth_by_libxl(void *arg, const uint8_t h[16], struct timespec *born)
{
    char path[80], *text;
    size_t length;
    int rc;

    snprintf(path, sizeof(path),
             "/vm/%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x/start_time",
             h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11], h[12], h[13],
             h[14], h[15]);
    rc = store_read(arg, XBT_NULL, path, &text, &length);
    if (rc < 0)
        return rc;
    rc = strlen(text) == length ? parse_time(text, born) : -EINVAL;
    free(text);
    return rc;
}
