// Verifies an edgepack bundle with CryptoKit alone: iOS 14, macOS 11 and later.
//
// NOT COMPILED by edgepack's tests, which run on Linux; VerifyBundle.java, which they do run, has the same steps.
//
// Pin the public key in the app. What was signed is written again from what was read and compared to the byte: so
// nothing can be read in two ways. The manifest is read by JSONDecoder into the few fields that are checked; the app
// reads it in the same way. Keys are P-256, as `edgepack keygen` makes them.

import CryptoKit
import Foundation

/// Why a bundle must not be used.
public struct Refused: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// What an app needs of `manifest.json`.
public struct BundleManifest: Decodable {
    public struct File: Decodable {
        public let path: String
        public let sha256: String
    }

    public struct Artifact: Decodable {
        public let target: String
        public let path: String
        public let files: [File]
    }

    public let schema_version: Int
    public let name: String
    public let version: Int?
    public let expires_utc: String?
    public let artifacts: [Artifact]
    public let golden: File
}

public struct BundleVerifier {
    private static let payloadType = "application/vnd.in-toto+json"
    private static let halfOrder = Data([
        0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
    ])

    private let key: P256.Signing.PublicKey
    private let keyId: String

    /// - Parameter pem: the signer's public key: the text of the `.pub` file that `edgepack keygen` wrote.
    public init(pem: String) throws {
        key = try P256.Signing.PublicKey(pemRepresentation: pem)
        let lines = key.derRepresentation.base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        keyId = Self.sha256(Data("-----BEGIN PUBLIC KEY-----\n\(lines)\n-----END PUBLIC KEY-----\n".utf8))
    }

    /// The manifest of a bundle in which every byte is as it was when the key signed it.
    ///
    /// - Parameters:
    ///   - minVersion: the oldest version that is welcome; remember the last one, and an old bundle that is sent again
    ///     is refused.
    ///   - expectName: the model's name.
    public func verify(
        _ folder: URL, minVersion: Int? = nil, expectName: String? = nil, now: Date = Date()
    ) throws -> BundleManifest {
        let payload = try payload(of: Self.read(folder.appendingPathComponent("model.sig")))
        let (signed, name) = try Self.statement(payload)
        var found = Set<String>()
        try Self.walk(folder, at: "", into: &found)
        found.remove("model.sig")
        if let extra = found.first(where: { signed[$0] == nil }) { throw Refused("\(extra): not signed") }

        var manifestBytes = Data()
        for (file, digest) in signed {
            guard found.contains(file) else { throw Refused("\(file): missing") }
            let url = folder.appendingPathComponent(file)
            let actual: String
            if file == "manifest.json" {  // parse the bytes that were hashed
                manifestBytes = try Self.read(url)
                actual = Self.sha256(manifestBytes)
            } else {
                actual = try Self.sha256(ofFile: url)
            }
            guard actual == digest else { throw Refused("\(file): changed since it was signed") }
        }
        guard let manifest = try? JSONDecoder().decode(BundleManifest.self, from: manifestBytes) else {
            throw Refused("manifest.json: not of the form of a bundle")
        }
        try Self.check(manifest, signed, name)
        if let minVersion, (manifest.version ?? 0) < minVersion {
            throw Refused("manifest.json: older than \(minVersion)")
        }
        if let expectName, expectName != name { throw Refused("manifest.json: holds \(name)") }
        if let expires = manifest.expires_utc {
            guard let date = ISO8601DateFormatter().date(from: expires), date > now else {
                throw Refused("manifest.json: expired at \(expires)")
            }
        }
        return manifest
    }

    // MARK: The signature

    private struct Envelope: Decodable {
        struct Signature: Decodable { let sig: String }
        struct DSSE: Decodable {
            let payload: String
            let signatures: [Signature]
        }
        let dsseEnvelope: DSSE
    }

    /// What model.sig signs, once the key has verified it.
    private func payload(of file: Data) throws -> Data {
        guard let found = try? JSONDecoder().decode(Envelope.self, from: file).dsseEnvelope, found.signatures.count == 1
        else { throw Refused("model.sig: not a signature of one key") }
        let again = "{\"dsseEnvelope\":{\"payload\":\(Self.quoted(found.payload)),\"payloadType\":"
            + "\(Self.quoted(Self.payloadType)),\"signatures\":[{\"keyid\":\"\(keyId)\",\"sig\":"
            + "\(Self.quoted(found.signatures[0].sig))}]},\"mediaType\":"
            + "\"application/vnd.dev.sigstore.bundle.v0.3+json\",\"verificationMaterial\":{\"publicKey\":{\"hint\":"
            + "\"\(keyId)\"},\"tlogEntries\":[]}}"
        guard Data(again.utf8) == file else { throw Refused("model.sig: not by this key, or not in the one form") }
        guard let payload = Data(base64Encoded: found.payload), payload.base64EncodedString() == found.payload,
            let der = Data(base64Encoded: found.signatures[0].sig),
            der.base64EncodedString() == found.signatures[0].sig
        else { throw Refused("model.sig: base64 that is not in its one form") }
        guard let signature = try? P256.Signing.ECDSASignature(derRepresentation: der),
            signature.derRepresentation == der,
            !Self.halfOrder.lexicographicallyPrecedes(signature.rawRepresentation.suffix(32))
        else { throw Refused("model.sig: not strict DER with the smaller s") }
        let pae = Data("DSSEv1 \(Self.payloadType.utf8.count) \(Self.payloadType) \(payload.count) ".utf8) + payload
        guard key.isValidSignature(signature, for: pae) else {  // SHA-256 is in it
            throw Refused("model.sig: the signature does not fit what it signs")
        }
        return payload
    }

    private struct Statement: Decodable {
        struct Resource: Decodable {
            let name: String
            let digest: String
        }
        struct Predicate: Decodable { let resources: [Resource] }
        struct Subject: Decodable { let name: String }
        let predicate: Predicate
        let subject: [Subject]
    }

    /// The SHA-256 of every signed file, by name, and the model's name; the statement must be in its one form.
    private static func statement(_ payload: Data) throws -> ([String: String], String) {
        guard let found = try? JSONDecoder().decode(Statement.self, from: payload), found.subject.count == 1 else {
            throw Refused("model.sig: signs no statement about one model")
        }
        var signed: [String: String] = [:]
        var folded = Set<String>()
        var folders: [String: String] = [:]
        var last: [UInt8] = []
        var root = SHA256()
        for resource in found.predicate.resources {
            let name = resource.name
            guard resource.digest.utf8.count == 64, let digest = bytes(hex: resource.digest) else {
                throw Refused("model.sig: a digest that is no sha256")
            }
            try check(name: name)
            guard last.lexicographicallyPrecedes(name.utf8) else { throw Refused("\(name): twice or out of order") }
            last = Array(name.utf8)
            guard folded.insert(fold(name)).inserted else { throw Refused("\(name): differs by case only") }
            var folder = ""
            for part in name.split(separator: "/").dropLast() {
                folder += part + "/"
                let first = folders[fold(folder), default: folder]
                // compared as bytes: Swift calls two spellings of one letter equal
                guard Array(first.utf8) == Array(folder.utf8) else { throw Refused("\(name): its folder's case") }
                folders[fold(folder)] = folder
            }
            root.update(data: digest)
            signed[name] = resource.digest
        }
        guard signed["model.sig"] == nil, signed["manifest.json"] != nil else {
            throw Refused("model.sig: names itself, or does not cover manifest.json")
        }
        let resources = found.predicate.resources.map {
            "{\"algorithm\":\"sha256\",\"digest\":\"\($0.digest)\",\"name\":\(quoted($0.name))}"
        }
        let again = "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{\"resources\":["
            + resources.joined(separator: ",") + "],\"serialization\":{\"allow_symlinks\":false,\"hash_type\":"
            + "\"sha256\",\"ignore_paths\":[\".git\",\".gitattributes\",\".github\",\".gitignore\",\"model.sig\"],"
            + "\"method\":\"files\"}},\"predicateType\":\"https://model_signing/signature/v1.0\",\"subject\":"
            + "[{\"digest\":{\"sha256\":\"\(hex(root.finalize()))\"},\"name\":\(quoted(found.subject[0].name))}]}"
        guard Data(again.utf8) == payload else { throw Refused("model.sig: the statement is not in its one form") }
        return (signed, found.subject[0].name)
    }

    // MARK: The manifest and the files

    /// What the manifest says of the files must be what was signed.
    private static func check(_ manifest: BundleManifest, _ signed: [String: String], _ name: String) throws {
        guard manifest.schema_version == 1 else { throw Refused("manifest.json: another version") }
        guard manifest.name == name else { throw Refused("manifest.json: not the name that was signed") }
        var named = Set<String>()
        for file in manifest.artifacts.flatMap(\.files) + [manifest.golden] {
            guard signed[file.path] == file.sha256 else {
                throw Refused("manifest.json: \(file.path): missing, or not the sha256 that was signed")
            }
            guard named.insert(file.path).inserted else { throw Refused("manifest.json: \(file.path): named twice") }
        }
        for artifact in manifest.artifacts {
            try check(name: artifact.path)
            if let extra = signed.keys.first(where: { $0.hasPrefix(artifact.path + "/") && !named.contains($0) }) {
                throw Refused("\(extra): inside an artifact, but not in manifest.json")
            }
        }
    }

    /// Collects the files of a folder, which holds plain files and filled folders only.
    private static func walk(_ folder: URL, at: String, into found: inout Set<String>) throws {
        let keys: Set<URLResourceKey> = [.isRegularFileKey, .isDirectoryKey, .isSymbolicLinkKey]
        let here = at.isEmpty ? folder : folder.appendingPathComponent(at)
        let entries = try FileManager.default.contentsOfDirectory(at: here, includingPropertiesForKeys: Array(keys))
        if entries.isEmpty { throw Refused("\(at): an empty folder") }
        for entry in entries {
            let name = at + entry.lastPathComponent
            let kind = try entry.resourceValues(forKeys: keys)
            if kind.isSymbolicLink == true {
                throw Refused("\(name): a link")
            } else if kind.isDirectory == true {
                try walk(folder, at: name + "/", into: &found)
            } else if kind.isRegularFile == true {
                found.insert(name)
            } else {
                throw Refused("\(name): a special file")
            }
        }
    }

    private static func check(name: String) throws {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let plain = parts.allSatisfy { !["", ".", ".."].contains($0) && !$0.lowercased().hasPrefix(".git") }
        let printable = name.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
                return false
            case .spaceSeparator:
                return scalar == " "
            default:
                return scalar != "\\" && scalar != ":"
            }
        }
        guard plain, printable else { throw Refused("a name that no bundle may hold: \(name)") }
    }

    /// The form in which names are one and the same for a file system that does not tell letter case apart.
    private static func fold(_ name: String) -> String {
        name.precomposedStringWithCanonicalMapping.uppercased().lowercased().precomposedStringWithCanonicalMapping
    }

    // MARK: Bytes and text

    private static func read(_ url: URL) throws -> Data {
        let kind = try url.resourceValues(forKeys: [.isRegularFileKey, .isSymbolicLinkKey, .fileSizeKey])
        guard kind.isRegularFile == true, kind.isSymbolicLink != true, (kind.fileSize ?? 0) <= 64 << 20 else {
            throw Refused("\(url.lastPathComponent): no plain file, or too large")
        }
        return try Data(contentsOf: url)
    }

    private static func sha256(_ data: Data) -> String { hex(SHA256.hash(data: data)) }

    private static func sha256(ofFile url: URL) throws -> String {
        let file = try FileHandle(forReadingFrom: url)
        defer { try? file.close() }
        var digest = SHA256()
        while let chunk = try file.read(upToCount: 1 << 18), !chunk.isEmpty { digest.update(data: chunk) }
        return hex(digest.finalize())
    }

    private static func hex(_ digest: SHA256.Digest) -> String { digest.map { String(format: "%02x", $0) }.joined() }

    /// The bytes of lowercase hex digits; nil for anything else.
    private static func bytes(hex text: String) -> Data? {
        let digits = Array(text.utf8)
        var data = Data()
        for at in stride(from: 0, to: digits.count - 1, by: 2) {
            guard let high = nibble(digits[at]), let low = nibble(digits[at + 1]) else { return nil }
            data.append(high << 4 | low)
        }
        return data
    }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): return digit - UInt8(ascii: "a") + 10
        default: return nil
        }
    }

    /// Text as canonical JSON writes it.
    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\u{8}": out += "\\b"
            case "\u{c}": out += "\\f"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            default:
                if scalar.value < 0x20 {
                    out += String(format: "\\u%04x", scalar.value)
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out + "\""
    }
}
