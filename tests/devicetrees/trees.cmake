# SPDX-License-Identifier: MIT
# Which device trees the tests read, and where these are.
set(XI_DEVICETREES $ENV{HOME}/.cache/xen-iommud-devicetrees)
if(DEFINED ENV{XDG_CACHE_HOME})
    set(XI_DEVICETREES $ENV{XDG_CACHE_HOME}/xen-iommud-devicetrees)
endif()

# Our own: made/NAME.dts becomes NAME.dtb in the build folder.
file(GLOB XI_DEVICETREES_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/made/*.dts)
set(XI_DEVICETREES_MADE)
foreach(source ${XI_DEVICETREES_SOURCES})
    get_filename_component(name ${source} NAME_WE)
    list(APPEND XI_DEVICETREES_MADE ${PROJECT_BINARY_DIR}/tests/devicetrees/made/${name}.dtb)
endforeach()

# Debian's, when fetched: some that differ, and the folders of all.
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/sample XI_DEVICETREES_SAMPLE REGEX "^[^#]")
list(TRANSFORM XI_DEVICETREES_SAMPLE PREPEND ${XI_DEVICETREES}/linux-image-arm64/)
set(XI_DEVICETREES_PACKAGES linux-image-arm64 linux-image-6.12-arm64)
list(TRANSFORM XI_DEVICETREES_PACKAGES PREPEND ${XI_DEVICETREES}/ OUTPUT_VARIABLE
     XI_DEVICETREES_FOLDERS)
