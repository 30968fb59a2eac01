/* SPDX-License-Identifier: MIT */
#include "process.h"
#include "setup.h"

int main(int argc, char **argv)
{
    struct settings settings;
    int code = setup_read(&settings, argc, argv);

    if (code == 0)
        code = process_run(&settings);
    settings_clear(&settings);
    return code;
}
