# sizeup_options: what every target of ours is compiled with. SizeupCuda.cmake has the flags of CUDA files.
add_library(sizeup_options INTERFACE)
target_include_directories(sizeup_options INTERFACE ${CMAKE_SOURCE_DIR})
function(sizeup_compile_options)
  target_compile_options(sizeup_options INTERFACE "$<$<NOT:$<COMPILE_LANGUAGE:CUDA>>:${ARGN}>")
endfunction()
sizeup_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor)
# GCC 12 sees an overlap in "literal" + std::string that is none (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  sizeup_compile_options(-Wno-restrict)
endif()
# GCC takes a source that is compiled with others for a header, in which private names would be a mistake.
if(SIZEUP_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  sizeup_compile_options(-Wno-subobject-linkage)
endif()
# Before Xcode 26 Apple's library keeps std::jthread and std::stop_token among what is experimental. They are in its
# headers alone, so what is compiled needs the flag, what is linked doesn't.
if(APPLE)
  include(CheckCXXSourceCompiles)
  check_cxx_source_compiles("#include <thread>
    int main() { const std::jthread thread([] {}); }" SIZEUP_HAS_JTHREAD)
  if(NOT SIZEUP_HAS_JTHREAD)
    sizeup_compile_options(-fexperimental-library)
  endif()
endif()
# No fused multiply-add behind our back: the order and rounding of a sum are part of the contract.
sizeup_compile_options(-ffp-contract=off)
if(SIZEUP_WERROR)
  sizeup_compile_options(-Werror)
endif()
if(SIZEUP_SANITIZE)
  sizeup_compile_options(-fsanitize=${SIZEUP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(sizeup_options INTERFACE -fsanitize=${SIZEUP_SANITIZE})
endif()

# What systems do in ways of their own has one header, and a source for each system: name_${SIZEUP_SYSTEM}.cpp.
if(APPLE)
  set(SIZEUP_SYSTEM macos)
else()
  set(SIZEUP_SYSTEM linux)
endif()

# Most of the time of a build from nothing goes into what every source includes and instantiates again; eight
# at a time share it. More of them would make a change of one file slow.
set(CMAKE_UNITY_BUILD ${SIZEUP_UNITY})
set(CMAKE_UNITY_BUILD_BATCH_SIZE 8)

# sizeup_alone(sizeup_core a.cpp ...): sources of a target with private names that others of it have as well.
function(sizeup_alone target)
  set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# sizeup_library(core SOURCES a.cpp ... LINKS x ...): the static library of one folder, alias sizeup::core.
function(sizeup_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_library(sizeup_${name} STATIC ${ARG_SOURCES})
  add_library(sizeup::${name} ALIAS sizeup_${name})
  target_link_libraries(sizeup_${name} PUBLIC sizeup_options ${ARG_LINKS})
  set_property(GLOBAL APPEND PROPERTY SIZEUP_LIBRARIES sizeup_${name})
endfunction()

# sizeup_test_options: what tests' own text is compiled with besides. What they test comes from the libraries,
# optimised and checked for undefined behaviour; the same for the text of the tests takes more than half of its
# compile time.
add_library(sizeup_test_options INTERFACE)
target_compile_options(sizeup_test_options INTERFACE "$<$<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX>>:-O1>")
if(SIZEUP_SANITIZE MATCHES undefined)
  target_compile_options(sizeup_test_options INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-O0;-fno-sanitize=undefined>")
endif()

# SIZEUP_KERNEL_OPTIONS: what kernels are compiled with besides. The address sanitizer sees each wrong access;
# asking of each pointer besides whether it may be used takes two thirds of their compile time.
if(SIZEUP_SANITIZE MATCHES undefined)
  set(SIZEUP_KERNEL_OPTIONS -fno-sanitize=null,alignment,object-size,pointer-overflow)
endif()

# sizeup_test(core SOURCES a_test.cpp ... LINKS x ...): one test program for one folder, run case by case by ctest.
function(sizeup_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(test_${name} ${ARG_SOURCES})
  # Options count in this order: the tests' own come last and win.
  target_link_libraries(test_${name} PRIVATE sizeup_options ${ARG_LINKS} sizeup_test_support GTest::gmock
                                             GTest::gtest_main sizeup_test_options)
  include(GoogleTest)
  gtest_discover_tests(test_${name} TEST_PREFIX ${name}. NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60)
endfunction()

# sizeup_fuzzer(gguf SOURCES gguf_fuzz.cpp LINKS x): a libFuzzer program fuzz_gguf.
function(sizeup_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(fuzz_${name} ${ARG_SOURCES})
  target_link_libraries(fuzz_${name} PRIVATE sizeup_options ${ARG_LINKS} sizeup_test_support)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
endfunction()
