# SPDX-License-Identifier: MIT
add_compile_options(-Wall -Wextra -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wshadow
                    -Wundef -Wvla -Wpointer-arith)
if(XI_WERROR)
    add_compile_options(-Werror)
endif()
add_compile_definitions(_GNU_SOURCE)
if(XI_SANITIZE)
    add_compile_options(-fsanitize=${XI_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${XI_SANITIZE})
else()
    # Given from outside (CFLAGS), it may be another one, and twice is an error.
    if(NOT CMAKE_C_FLAGS MATCHES "_FORTIFY_SOURCE")
        add_compile_options($<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=2>)
    endif()
    add_compile_options(-fstack-protector-strong)
    add_link_options(-Wl,-z,relro,-z,now)
endif()
