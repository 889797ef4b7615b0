// RUN: flydsl-opt %s -split-input-file -verify-diagnostics

func.func @f(%q: memref<2x64x8x128xbf16>) {
  // expected-error @+2 {{a side of a window is a number of columns or -1 (unbounded), got left = -2, right = 0}}
  attn.forward ins(%q, %q, %q : memref<2x64x8x128xbf16>, memref<2x64x8x128xbf16>, memref<2x64x8x128xbf16>)
               outs(%q : memref<2x64x8x128xbf16>) {mask = #attn.window<left = -2, right = 0>}
  return
}

// -----

func.func @f(%q: memref<?x8x128xbf16>, %o: memref<2x64x8x128xbf16>, %cu: memref<?xi32>, %max: index) {
  // expected-error @+1 {{o must have rank 3, got 4}}
  attn.forward ins(%q, %q, %q : memref<?x8x128xbf16>, memref<?x8x128xbf16>, memref<?x8x128xbf16>)
               seqlens(%cu, %cu max %max : memref<?xi32>, memref<?xi32>) outs(%o : memref<2x64x8x128xbf16>)
  return
}

// -----

func.func @f(%q: memref<?x8x128xbf16>, %lse: memref<1x8x?xf32>, %cu: memref<?xi32>, %max: index) {
  // expected-error @+1 {{lse must have rank 2 (heads x total_q), got rank 3}}
  attn.forward ins(%q, %q, %q : memref<?x8x128xbf16>, memref<?x8x128xbf16>, memref<?x8x128xbf16>)
               seqlens(%cu, %cu max %max : memref<?xi32>, memref<?xi32>)
               outs(%q, %lse : memref<?x8x128xbf16>, memref<1x8x?xf32>)
  return
}

// -----

func.func @f(%q: memref<?x8x128xbf16>, %cu: memref<?xi64>, %max: index) {
  // expected-error @+1 {{cu_seqlens_q must hold i32 in one dimension, got 'memref<?xi64>'}}
  attn.forward ins(%q, %q, %q : memref<?x8x128xbf16>, memref<?x8x128xbf16>, memref<?x8x128xbf16>)
               seqlens(%cu, %cu max %max : memref<?xi64>, memref<?xi64>) outs(%q : memref<?x8x128xbf16>)
  return
}

// -----

func.func @f(%q: memref<?x8x128xbf16>, %cu: memref<4xi32>, %other: memref<5xi32>, %max: index) {
  // expected-error @+1 {{size of cu_seqlens_q and cu_seqlens_kv must be equal, got 4 and 5}}
  attn.forward ins(%q, %q, %q : memref<?x8x128xbf16>, memref<?x8x128xbf16>, memref<?x8x128xbf16>)
               seqlens(%cu, %other max %max : memref<4xi32>, memref<5xi32>) outs(%q : memref<?x8x128xbf16>)
  return
}

// -----

func.func @f(%q: memref<?x8x128xbf16>, %cu: memref<?xi32>, %max: index) {
  // expected-error @+1 {{packed sequences have the layout bshd}}
  attn.forward ins(%q, %q, %q : memref<?x8x128xbf16>, memref<?x8x128xbf16>, memref<?x8x128xbf16>)
               seqlens(%cu, %cu max %max : memref<?xi32>, memref<?xi32>) outs(%q : memref<?x8x128xbf16>)
               {layout = #attn.layout<bhsd>}
  return
}
