/* SPDX-License-Identifier: MIT */
#include "text_parts.h"

#include <stdio.h>
#include <string.h>

#define LINE_WIDTH 79

void text_print_wrapped(const char *first, const char *text)
{
    size_t indent = strlen(first), column = indent;

    fputs(first, stdout);
    while (*text != '\0') {
        size_t len = strcspn(text, " ");

        if (column > indent && column + 1 + len > LINE_WIDTH) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)len, text);
        column += len;
        text += len;
        text += strspn(text, " ");
    }
    putchar('\n');
}
