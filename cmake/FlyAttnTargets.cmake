# Build settings for our own targets, and the one function that makes a library.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

add_library(flyattn_settings INTERFACE)
target_compile_options(flyattn_settings INTERFACE -Wall -Wextra -Wno-unused-parameter
  # g++ 12 warns of "..." + string (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<BOOL:${FLYATTN_WERROR}>:-Werror>)
if(FLYATTN_SANITIZE)
  target_compile_options(flyattn_settings INTERFACE
    -fsanitize=address,undefined -fno-sanitize=vptr -fno-omit-frame-pointer
    $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
  target_link_options(flyattn_settings INTERFACE -fsanitize=address,undefined)
  target_sources(flyattn_settings INTERFACE ${CMAKE_CURRENT_LIST_DIR}/SanitizerOptions.cpp)
endif()

# flyattn_add_library(NAME sources... [DEPENDS targets...] [LINK_LIBS libs...])
# A static library of ours. LLVM's and MLIR's symbols come from the shared
# libLLVM and libMLIR of whatever links it.
function(flyattn_add_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK_LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS} PRIVATE flyattn_settings)
endfunction()
