/* SPDX-License-Identifier: MIT */
#include "output.h"
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int output_write(const char *output, const char *data, size_t size)
{
    FILE *file = output != NULL ? fopen(output, "we") : stdout;
    int error = 0;

    if (file == NULL) {
        complain("%s: %s", output, strerror(errno));
        return EXIT_FAILED;
    }
    if (fwrite(data, 1, size, file) != size)
        error = errno;
    if (output == NULL)
        return EXIT_FINE; /* whoever called looks after stdout */
    if (fclose(file) != 0 && error == 0)
        error = errno;
    if (error == 0)
        return EXIT_FINE;
    complain("%s: %s", output, strerror(error));
    return EXIT_FAILED;
}
