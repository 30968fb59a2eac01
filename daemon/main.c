/* SPDX-License-Identifier: MIT */
#include "daemon.h"

int main(int argc, char **argv)
{
    struct options options;
    int code = options_parse(&options, argc, argv);

    if (code == 0)
        code = daemon_main(&options);
    options_clear(&options);
    return code;
}
