# SIZEUP_CUDA: build the plug-in for NVIDIA GPUs. It needs the CUDA toolkit (12.4 or newer), no GPU and no driver.
find_program(SIZEUP_NVCC nvcc HINTS ENV CUDACXX PATHS /usr/local/cuda/bin)
if(SIZEUP_NVCC)
  option(SIZEUP_CUDA "Build the CUDA plug-in" ON)
else()
  option(SIZEUP_CUDA "Build the CUDA plug-in" OFF)
  message(STATUS "No nvcc: without the CUDA plug-in")
endif()
# A chip runs the code of its own generation: A100, RTX 30, RTX 40, H100 and H200 (with instructions that later
# chips lack, hence the a). Compiling takes as long as there are targets.
set(SIZEUP_CUDA_TARGETS "80;86;89;90a" CACHE STRING "Chips that the CUDA plug-in is compiled for")

if(SIZEUP_CUDA)
  set(CMAKE_CUDA_COMPILER ${SIZEUP_NVCC})
  set(CMAKE_CUDA_ARCHITECTURES OFF)  # CMake 3.25 would write flags that nvcc reads as other chips
  enable_language(CUDA)
  # CMake 3.25 knows no flag of nvcc 13 for C++20, and asks for one because C++ has it.
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  find_package(CUDAToolkit REQUIRED)
endif()

# sizeup_cuda_options(target): the flags of its CUDA files.
function(sizeup_cuda_options target)
  set(flags -lineinfo --fmad=true -Xcompiler=-Wall,-Wextra,-ffp-contract=off)
  foreach(chip ${SIZEUP_CUDA_TARGETS})
    list(APPEND flags "SHELL:-gencode arch=compute_${chip},code=sm_${chip}")
  endforeach()
  if(SIZEUP_WERROR)
    list(APPEND flags "SHELL:-Werror all-warnings" -Xcompiler=-Werror)
  endif()
  foreach(flag ${flags})
    target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:${flag}>")
  endforeach()
endfunction()
