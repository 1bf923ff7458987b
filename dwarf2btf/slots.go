package dwarf2btf

// A slot is the place in decoder.val where the value of an attribute ends up.
type slot uint8

const (
	slotName slot = iota
	slotType
	slotByteSize
	slotBitSize
	slotBitOffset
	slotDataBitOffset
	slotMemberLocation
	slotEncoding
	slotDeclaration
	slotSpecification
	slotAbstractOrigin
	slotSignature
	slotAnnotation
	slotDeclFile
	slotConstValue
	slotUpperBound
	slotLowerBound
	slotCount
	slotLowPC
	slotHighPC
	slotRanges
	slotExternal
	slotLinkageName
	slotCallingConvention
	slotLocation
	slotArtificial
	slotImport
	slotLanguage
	slotProducer
	slotStrOffsetsBase
	slotAddrBase
	slotLoclistsBase
	slotRnglistsBase
	slotDwoName
	slotStmtList
	slotCompDir
	numSlots

	slotNone slot = 63 // decoded only to find the end of the attribute
)

// attrSlots maps attributes to slots.
var attrSlots = map[uint16]slot{
	atName: slotName, atType: slotType, atByteSize: slotByteSize, atBitSize: slotBitSize,
	atBitOffset: slotBitOffset, atDataBitOffset: slotDataBitOffset, atDataMemberLocation: slotMemberLocation,
	atEncoding: slotEncoding, atDeclaration: slotDeclaration, atSpecification: slotSpecification,
	atAbstractOrigin: slotAbstractOrigin, atSignature: slotSignature, atGNUAnnotation: slotAnnotation,
	atDeclFile: slotDeclFile, atConstValue: slotConstValue, atUpperBound: slotUpperBound,
	atLowerBound: slotLowerBound, atCount: slotCount, atLowPC: slotLowPC, atHighPC: slotHighPC, atRanges: slotRanges,
	atExternal: slotExternal, atLinkageName: slotLinkageName, atMIPSLinkageName: slotLinkageName,
	atCallingConvention: slotCallingConvention, atLocation: slotLocation, atArtificial: slotArtificial,
	atImport: slotImport, atLanguage: slotLanguage, atProducer: slotProducer,
	atStrOffsetsBase: slotStrOffsetsBase, atAddrBase: slotAddrBase, atGNUAddrBase: slotAddrBase,
	atLoclistsBase: slotLoclistsBase, atRnglistsBase: slotRnglistsBase, atDwoName: slotDwoName,
	atGNUDwoName: slotDwoName, atStmtList: slotStmtList, atCompDir: slotCompDir,
}

func slots(list ...slot) uint64 {
	var m uint64
	for _, s := range list {
		m |= 1 << s
	}
	return m
}

// attrMask is a set of slots.
type attrMask uint64

func (m attrMask) has(s slot) bool { return m>>s&1 != 0 }

var (
	wantComposite = slots(slotName, slotByteSize, slotDeclaration, slotSpecification, slotAbstractOrigin, slotSignature, slotAnnotation, slotDeclFile)
	wantUnit      = slots(slotName, slotLanguage, slotProducer, slotStrOffsetsBase, slotAddrBase, slotLoclistsBase, slotRnglistsBase, slotDwoName, slotStmtList, slotCompDir, slotLowPC, slotHighPC, slotRanges)
	wantSized     = slots(slotName, slotType, slotByteSize)

	// wanted lists the attributes that are read of each tag.
	wanted = map[uint16]uint64{
		tagCompileUnit: wantUnit, tagPartialUnit: wantUnit, tagTypeUnit: wantUnit, tagSkeletonUnit: wantUnit,
		tagMember: slots(slotName, slotType, slotByteSize, slotBitSize, slotBitOffset, slotDataBitOffset,
			slotMemberLocation, slotDeclaration, slotExternal, slotAnnotation),
		tagInheritance:   slots(slotType, slotMemberLocation),
		tagStructureType: wantComposite, tagClassType: wantComposite, tagInterfaceType: wantComposite, tagUnionType: wantComposite,
		tagEnumerationType: wantComposite | slots(slotType, slotEncoding),
		tagEnumerator:      slots(slotName, slotConstValue),
		tagBaseType:        slots(slotName, slotByteSize, slotBitSize, slotEncoding),
		tagPointerType:     slots(slotType, slotAnnotation),
		tagReferenceType:   slots(slotType), tagRvalueReferenceType: slots(slotType),
		tagConstType: slots(slotType), tagVolatileType: slots(slotType), tagRestrictType: slots(slotType),
		tagAtomicType: slots(slotType), tagPackedType: slots(slotType), tagSharedType: slots(slotType),
		tagImmutableType: slots(slotType), tagThrownType: slots(slotType),
		tagTypedef: slots(slotName, slotType, slotAnnotation, slotDeclFile), tagTemplateAlias: slots(slotName, slotType, slotDeclFile),
		tagArrayType:      slots(slotType, slotByteSize),
		tagSubrangeType:   slots(slotName, slotType, slotByteSize, slotUpperBound, slotLowerBound, slotCount),
		tagSubroutineType: slots(slotType),
		tagSubprogram: slots(slotName, slotType, slotDeclaration, slotSpecification, slotAbstractOrigin, slotLowPC, slotRanges,
			slotExternal, slotLinkageName, slotCallingConvention, slotAnnotation),
		tagFormalParameter: slots(slotName, slotType, slotAbstractOrigin, slotSpecification, slotLocation, slotConstValue, slotAnnotation),
		tagVariable: slots(slotName, slotType, slotDeclaration, slotSpecification, slotAbstractOrigin, slotLocation, slotExternal,
			slotArtificial, slotAnnotation),
		tagPtrToMemberType: wantSized, tagStringType: wantSized, tagSetType: wantSized, tagFileType: wantSized,
		tagCoarrayType: wantSized, tagDynamicType: wantSized,
		tagImportedUnit:   slots(slotImport),
		tagLLVMAnnotation: slots(slotName, slotConstValue), tagGNUAnnotation: slots(slotName, slotConstValue, slotAnnotation),
	}
)

// The maps as arrays for what the standard numbers: compiling abbreviations
// would else be mostly map look-ups.
var (
	slotByAttr  [0x90]slot
	wantedByTag [0x50]uint64
)

func init() {
	for i := range slotByAttr {
		slotByAttr[i] = slotNone
		if s, ok := attrSlots[uint16(i)]; ok {
			slotByAttr[i] = s
		}
	}
	for i := range wantedByTag {
		wantedByTag[i] = wanted[uint16(i)]
	}
}

// slotOf returns the slot of an attribute, slotNone if it is never read.
func slotOf(at uint64) slot {
	if at < uint64(len(slotByAttr)) {
		return slotByAttr[at]
	}
	if at <= 0xffff {
		if s, ok := attrSlots[uint16(at)]; ok {
			return s
		}
	}
	return slotNone
}

// wantedOf returns the slots that are filled for a tag.
func wantedOf(tag uint16) uint64 {
	if int(tag) < len(wantedByTag) {
		return wantedByTag[tag]
	}
	return wanted[tag]
}
