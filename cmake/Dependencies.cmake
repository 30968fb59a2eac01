# SPDX-License-Identifier: MIT
# Every dependency comes through pkg-config; one that is missing is named with the Debian package
# that brings it.
find_package(PkgConfig REQUIRED)

# xi_dependency(NAME MODULE PACKAGE): the imported target PkgConfig::NAME, or a clear error.
function(xi_dependency name module package)
    pkg_check_modules(${name} QUIET IMPORTED_TARGET GLOBAL ${module})
    if(NOT ${name}_FOUND)
        message(FATAL_ERROR "${module} was not found by pkg-config: install Debian's ${package}, "
                            "or the package of your distribution that holds ${module}.pc")
    endif()
endfunction()

xi_dependency(XENSTORE xenstore libxen-dev)
# libfdt comes without a .pc file.
function(xi_find_fdt)
    find_path(FDT_INCLUDE_DIR libfdt.h)
    find_library(FDT_LIBRARY fdt)
    if(NOT FDT_INCLUDE_DIR OR NOT FDT_LIBRARY)
        message(FATAL_ERROR "libfdt was not found: install Debian's libfdt-dev, or the package of "
                            "your distribution that holds libfdt.h")
    endif()
    add_library(XI::FDT UNKNOWN IMPORTED GLOBAL)
    set_target_properties(XI::FDT PROPERTIES IMPORTED_LOCATION ${FDT_LIBRARY}
                          INTERFACE_INCLUDE_DIRECTORIES ${FDT_INCLUDE_DIR})
endfunction()

if(XI_CLI OR XI_DAEMON)
    xi_find_fdt()
endif()
if(XI_DAEMON)
    xi_dependency(XENCTRL xencontrol libxen-dev)
    xi_dependency(XENHYPFS xenhypfs libxen-dev)
    xi_dependency(XENTOOLLOG xentoollog libxen-dev)
    xi_dependency(EVENT libevent_core libevent-dev)
    xi_dependency(SYSTEMD libsystemd libsystemd-dev)
    xi_dependency(UDEV libudev libudev-dev)
    xi_dependency(INIH inih libinih-dev)
endif()
if(XI_CLI OR XI_DAEMON)
    xi_dependency(JSONC json-c libjson-c-dev)
endif()
if(XI_CLI)
    xi_dependency(SMARTCOLS smartcols libsmartcols-dev)
    xi_dependency(PCI libpci libpci-dev)
endif()
if(XI_TESTS)
    xi_dependency(CMOCKA cmocka libcmocka-dev)
endif()
