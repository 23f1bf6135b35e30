# Builds the signal core into a MicroPython firmware image (user C module) as `_jikimi_sigcore`. On the board's flash,
# /lib/jikimi/sigcore.py with the one line `from _jikimi_sigcore import *` then takes the place of sigcore.mpy. Pass
# -DUSER_C_MODULES=<this file> to the port's build. Untested: the ESP-IDF toolchain is not among the packages this
# project is developed with; the same C files are tested as a native module.
get_filename_component(JIKIMI_NATIVE ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
file(GLOB JIKIMI_SIGCORE_SOURCES ${JIKIMI_NATIVE}/src/*.c ${CMAKE_CURRENT_LIST_DIR}/*.c)

add_library(usermod_jikimi_sigcore INTERFACE)
target_sources(usermod_jikimi_sigcore INTERFACE ${JIKIMI_SIGCORE_SOURCES})
target_include_directories(usermod_jikimi_sigcore INTERFACE
    ${JIKIMI_NATIVE}/include ${JIKIMI_NATIVE}/src ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(usermod INTERFACE usermod_jikimi_sigcore)
