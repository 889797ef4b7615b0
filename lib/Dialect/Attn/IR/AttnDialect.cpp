//===- AttnDialect.cpp - Registration of the attn dialect -----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Dialect/Attn/IR/Attn.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::attn;

#include "flyattn/Dialect/Attn/IR/AttnDialect.cpp.inc"
#include "flyattn/Dialect/Attn/IR/AttnEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "flyattn/Dialect/Attn/IR/AttnAttributes.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "flyattn/Dialect/Attn/IR/AttnTypes.cpp.inc"

void AttnDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "flyattn/Dialect/Attn/IR/AttnAttributes.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "flyattn/Dialect/Attn/IR/AttnTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flyattn/Dialect/Attn/IR/AttnOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

LogicalResult
WindowAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                   int32_t left, int32_t right) {
  if (left >= -1 && right >= -1)
    return success();
  return emitError() << "a side of a window is a number of columns or -1 "
                        "(unbounded), got left = "
                     << left << ", right = " << right;
}

LogicalResult
ChunkedAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                    int32_t size) {
  if (size >= 1)
    return success();
  return emitError() << "a chunk has 1 column or more, got size = " << size;
}

LogicalResult
ConfigAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                   Schedule schedule, unsigned waves, unsigned rowsPerWave,
                   unsigned kvTile, unsigned slots, unsigned splits,
                   bool packGqa, bool, bool) {
  if (waves == 0 || waves > 16)
    return emitError() << "waves must be 1 to 16, got " << waves;
  if (rowsPerWave != 32)
    return emitError() << "rows_per_wave must be 32, the columns of one MFMA "
                          "block, got "
                       << rowsPerWave;
  if (kvTile == 0 || kvTile % 32 != 0)
    return emitError() << "kv_tile must be a positive multiple of 32, got "
                       << kvTile;
  bool generic = schedule == Schedule::Generic;
  if (slots != 2 && !(slots == 1 && generic))
    return emitError() << "slots must be 2" << (generic ? " or 1" : "")
                       << ", got " << slots;
  if (splits == 0)
    return emitError() << "splits must be 1 or more, got 0";
  if (packGqa && schedule == Schedule::DualWave)
    return emitError() << "pack_gqa needs the generic schedule: dual_wave "
                          "copies Q's rows as they lie in memory";
  return success();
}

//===----------------------------------------------------------------------===//
// Types: all print as <ROWSxCOLUMNSxELEMENT[, keyword]>
//===----------------------------------------------------------------------===//

static void printShape(AsmPrinter &printer, ArrayRef<int64_t> shape,
                       Type elementType) {
  printer.printDimensionList(shape);
  printer << 'x' << elementType;
}

static ParseResult parseShape(AsmParser &parser,
                              SmallVectorImpl<int64_t> &shape,
                              Type &elementType) {
  return failure(parser.parseDimensionList(shape, /*allowDynamic=*/true) ||
                 parser.parseType(elementType));
}

/// Parses and prints `<`shape`>`.
template <typename TypeT> static Type parsePlainMatrix(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parseShape(parser, shape, elementType) ||
      parser.parseGreater())
    return {};
  return TypeT::getChecked([&] { return parser.emitError(loc); },
                           parser.getContext(), shape, elementType);
}

template <typename TypeT>
static void printPlainMatrix(TypeT type, AsmPrinter &printer) {
  printer << '<';
  printShape(printer, type.getShape(), type.getElementType());
  printer << '>';
}

/// Parses `<`shape, keyword`>` where the keyword is a case of `EnumT`.
template <typename EnumT>
static ParseResult parseShapeAndEnum(AsmParser &parser,
                                     SmallVectorImpl<int64_t> &shape,
                                     Type &elementType, EnumT &value) {
  if (parser.parseLess() || parseShape(parser, shape, elementType) ||
      parser.parseComma())
    return failure();
  FailureOr<EnumT> parsed = FieldParser<EnumT>::parse(parser);
  if (failed(parsed) || parser.parseGreater())
    return failure();
  value = *parsed;
  return success();
}

static LogicalResult
verifyMatrix(llvm::function_ref<InFlightDiagnostic()> emitError,
             ArrayRef<int64_t> shape, Type elementType, bool dynamicRows) {
  if (shape.size() != 2)
    return emitError() << "expected rows and columns, got rank "
                       << shape.size();
  if (ShapedType::isDynamic(shape[1]) || shape[1] <= 0)
    return emitError() << "the columns must be static and positive";
  if (ShapedType::isDynamic(shape[0]) != dynamicRows)
    return emitError() << "the rows must be "
                       << (dynamicRows ? "'?'" : "static");
  if (!elementType.isF32() && !elementType.isBF16() && !elementType.isF16())
    return emitError() << "the element type must be f32, bf16 or f16, got "
                       << elementType;
  return success();
}

Type TileType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  TileLayout layout;
  SMLoc loc = parser.getCurrentLocation();
  if (parseShapeAndEnum(parser, shape, elementType, layout))
    return {};
  return getChecked([&] { return parser.emitError(loc); }, parser.getContext(),
                    shape, elementType, layout);
}

void TileType::print(AsmPrinter &printer) const {
  printer << '<';
  printShape(printer, getShape(), getElementType());
  printer << ", " << stringifyTileLayout(getLayout()) << '>';
}

LogicalResult
TileType::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                 ArrayRef<int64_t> shape, Type elementType, TileLayout layout) {
  if (failed(verifyMatrix(emitError, shape, elementType, false)))
    return failure();
  bool isOperand = layout == TileLayout::MfmaA || layout == TileLayout::MfmaB;
  if (!isOperand && !elementType.isF32())
    return emitError() << stringifyTileLayout(layout) << " tiles hold f32, got "
                       << elementType;
  int64_t rowBlock = layout == TileLayout::Columns ? 1
                     : layout == TileLayout::MfmaB ? 16
                                                   : 32;
  int64_t columnBlock = layout == TileLayout::MfmaA ? 16 : 32;
  if (shape[0] % rowBlock != 0 || shape[1] % columnBlock != 0 ||
      (layout == TileLayout::Columns && shape[0] != 1))
    return emitError() << stringifyTileLayout(layout)
                       << " tiles come in blocks of " << rowBlock << " x "
                       << columnBlock << ", got " << shape[0] << " x "
                       << shape[1];
  return success();
}

Type ViewType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parseShape(parser, shape, elementType))
    return {};
  FailureOr<ViewKind> kind = ViewKind::Plain;
  if (succeeded(parser.parseOptionalComma()))
    kind = FieldParser<ViewKind>::parse(parser);
  if (failed(kind) || parser.parseGreater())
    return {};
  return getChecked([&] { return parser.emitError(loc); }, parser.getContext(),
                    shape, elementType, *kind);
}

void ViewType::print(AsmPrinter &printer) const {
  printer << '<';
  printShape(printer, getShape(), getElementType());
  if (getKind() != ViewKind::Plain)
    printer << ", " << stringifyViewKind(getKind());
  printer << '>';
}

LogicalResult
ViewType::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                 ArrayRef<int64_t> shape, Type elementType, ViewKind) {
  return verifyMatrix(emitError, shape, elementType, true);
}

Type InflightType::parse(AsmParser &parser) {
  return parsePlainMatrix<InflightType>(parser);
}

void InflightType::print(AsmPrinter &printer) const {
  printPlainMatrix(*this, printer);
}

LogicalResult
InflightType::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                     ArrayRef<int64_t> shape, Type elementType) {
  return verifyMatrix(emitError, shape, elementType, false);
}

Type SlotType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  Arrangement arrangement;
  SMLoc loc = parser.getCurrentLocation();
  if (parseShapeAndEnum(parser, shape, elementType, arrangement))
    return {};
  return getChecked([&] { return parser.emitError(loc); }, parser.getContext(),
                    shape, elementType, arrangement);
}

void SlotType::print(AsmPrinter &printer) const {
  printer << '<';
  printShape(printer, getShape(), getElementType());
  printer << ", " << stringifyArrangement(getArrangement()) << '>';
}

LogicalResult
SlotType::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                 ArrayRef<int64_t> shape, Type elementType,
                 Arrangement arrangement) {
  if (failed(verifyMatrix(emitError, shape, elementType, false)))
    return failure();
  if (shape[0] % 32 != 0 || shape[1] % 32 != 0)
    return emitError() << "a slot comes in blocks of 32 x 32, got " << shape[0]
                       << " x " << shape[1];
  return success();
}
