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
if(XI_DAEMON)
    xi_dependency(XENCTRL xencontrol libxen-dev)
    xi_dependency(XENTOOLLOG xentoollog libxen-dev)
    xi_dependency(EVENT libevent_core libevent-dev)
    xi_dependency(SYSTEMD libsystemd libsystemd-dev)
    xi_dependency(UDEV libudev libudev-dev)
    xi_dependency(INIH inih libinih-dev)
endif()
if(XI_CLI)
    xi_dependency(JSONC json-c libjson-c-dev)
    xi_dependency(SMARTCOLS smartcols libsmartcols-dev)
    xi_dependency(PCI libpci libpci-dev)
endif()
if(XI_TESTS)
    xi_dependency(CMOCKA cmocka libcmocka-dev)
endif()
