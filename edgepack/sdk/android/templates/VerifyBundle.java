import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Verifies an edgepack bundle with the Java 8 library alone, so it runs on Android 8 and later as it is.
 *
 * <p>Pin the public key in the app. What was signed is written again from what was read and compared to the byte: so
 * nothing can be read in two ways. Refuses all that `edgepack verify` does, except what only the manifest's full JSON
 * Schema says. Keys are P-256, as `edgepack keygen` makes them.
 *
 * <p>{@code java VerifyBundle [--min-version N] [--expect-name NAME] [--now YYYY-MM-DDTHH:MM:SSZ] KEY.pub FOLDER...}
 */
public final class VerifyBundle {
    /** Why a bundle must not be used. */
    public static final class Refused extends Exception {
        private static final long serialVersionUID = 1;

        Refused(String reason) {
            super(reason);
        }
    }

    private static final BigInteger ORDER =
            new BigInteger("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16);
    private static final String PAYLOAD_TYPE = "application/vnd.in-toto+json";
    private static final int LARGEST = 64 << 20;

    private final PublicKey key;
    private final String keyId;

    /** @param pem the signer's public key: the text of the `.pub` file that `edgepack keygen` wrote */
    public VerifyBundle(String pem) throws GeneralSecurityException {
        byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
        key = KeyFactory.getInstance("EC").generatePublic(new X509EncodedKeySpec(der));
        String lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
        keyId = hex(sha256(utf8("-----BEGIN PUBLIC KEY-----\n" + lines + "\n-----END PUBLIC KEY-----\n")));
    }

    /**
     * The manifest of a bundle in which every byte is as it was when the key signed it.
     *
     * @param minVersion the oldest version that is welcome (0: any): remember the last one, and an old bundle that is
     *     sent again is refused
     * @param expectName the model's name (null: any)
     * @param nowUtc `YYYY-MM-DDTHH:MM:SSZ`, at which the expiry is judged
     */
    public Map<String, Object> verify(Path folder, long minVersion, String expectName, String nowUtc)
            throws Refused, IOException, GeneralSecurityException {
        byte[] payload = payload(read(folder.resolve("model.sig")));
        Map<String, Object> statement = map(StrictJson.parse(payload));
        String signedName = text(map(first(statement.get("subject"))).get("name"));
        Map<String, String> signed = files(payload, statement, signedName);

        byte[] manifestBytes = null;
        Set<String> found = new HashSet<>();
        walk(folder, "", found);
        found.remove("model.sig");
        for (String name : found) {
            if (!signed.containsKey(name)) throw new Refused(name + ": not signed");
        }
        for (Map.Entry<String, String> file : signed.entrySet()) {
            if (!found.contains(file.getKey())) throw new Refused(file.getKey() + ": missing");
            byte[] digest;
            if (file.getKey().equals("manifest.json")) {  // parse the bytes that were hashed
                manifestBytes = read(folder.resolve("manifest.json"));
                digest = sha256(manifestBytes);
            } else {
                digest = digest(folder.resolve(file.getKey()));
            }
            if (!hex(digest).equals(file.getValue())) throw new Refused(file.getKey() + ": changed since it was signed");
        }
        Map<String, Object> manifest = map(StrictJson.parse(manifestBytes));
        checkManifest(manifest, signed, signedName);
        Object version = manifest.get("version");
        if (minVersion > 0 && !(version instanceof Long && (Long) version >= minVersion)) {
            throw new Refused("manifest.json: version " + version + " is older than " + minVersion);
        }
        if (expectName != null && !expectName.equals(signedName)) throw new Refused("manifest.json: holds " + signedName);
        Object expires = manifest.get("expires_utc");
        if (expires != null && text(expires).compareTo(nowUtc) <= 0) {
            throw new Refused("manifest.json: expired at " + expires);
        }
        return manifest;
    }

    /** What model.sig signs, once the key has verified it. */
    private byte[] payload(byte[] file) throws Refused, GeneralSecurityException {
        Map<String, Object> envelope = map(map(StrictJson.parse(file)).get("dsseEnvelope"));
        String payload64 = text(envelope.get("payload"));
        String signature64 = text(map(first(envelope.get("signatures"))).get("sig"));
        String again = "{\"dsseEnvelope\":{\"payload\":" + quoted(payload64) + ",\"payloadType\":" + quoted(PAYLOAD_TYPE)
                + ",\"signatures\":[{\"keyid\":" + quoted(keyId) + ",\"sig\":" + quoted(signature64)
                + "}]},\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\"verificationMaterial\":"
                + "{\"publicKey\":{\"hint\":" + quoted(keyId) + "},\"tlogEntries\":[]}}";
        if (!Arrays.equals(utf8(again), file)) throw new Refused("model.sig: not by this key, or not in the one form");
        byte[] payload = base64(payload64);
        byte[] signature = base64(signature64);
        checkDer(signature);
        Signature verifier = Signature.getInstance("SHA256withECDSA");
        verifier.initVerify(key);
        verifier.update(utf8("DSSEv1 " + PAYLOAD_TYPE.length() + " " + PAYLOAD_TYPE + " " + payload.length + " "));
        verifier.update(payload);
        if (!verifier.verify(signature)) throw new Refused("model.sig: the signature does not fit what it signs");
        return payload;
    }

    /** The SHA-256 of every signed file, by name; the statement must be in its one form. */
    private static Map<String, String> files(byte[] payload, Map<String, Object> statement, String signedName)
            throws Refused, GeneralSecurityException {
        Map<String, String> files = new LinkedHashMap<>();
        Set<String> folded = new HashSet<>();
        Map<String, String> folders = new LinkedHashMap<>();
        StringBuilder resources = new StringBuilder();
        MessageDigest root = MessageDigest.getInstance("SHA-256");
        byte[] last = new byte[0];
        for (Object item : list(map(statement.get("predicate")).get("resources"))) {
            String name = text(map(item).get("name"));
            String digest = text(map(item).get("digest"));
            if (!digest.matches("[0-9a-f]{64}")) throw new Refused("model.sig: a digest that is no sha256");
            checkName(name);
            if (compare(last, utf8(name)) >= 0) throw new Refused("model.sig: " + name + ": twice or out of order");
            last = utf8(name);
            if (!folded.add(fold(name))) throw new Refused("model.sig: " + name + ": differs from another by case only");
            for (int slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
                String folder = name.substring(0, slash);
                String first = folders.putIfAbsent(fold(folder), folder);
                if (first != null && !first.equals(folder)) throw new Refused("model.sig: " + name + ": folder's case");
            }
            root.update(new BigInteger("01" + digest, 16).toByteArray(), 1, 32);
            files.put(name, digest);
            resources.append(resources.length() > 0 ? "," : "").append("{\"algorithm\":\"sha256\",\"digest\":")
                    .append(quoted(digest)).append(",\"name\":").append(quoted(name)).append('}');
        }
        if (files.containsKey("model.sig")) throw new Refused("model.sig: names itself");
        if (!files.containsKey("manifest.json")) throw new Refused("model.sig: does not cover manifest.json");
        String again = "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{\"resources\":[" + resources
                + "],\"serialization\":{\"allow_symlinks\":false,\"hash_type\":\"sha256\",\"ignore_paths\":[\".git\","
                + "\".gitattributes\",\".github\",\".gitignore\",\"model.sig\"],\"method\":\"files\"}},"
                + "\"predicateType\":\"https://model_signing/signature/v1.0\",\"subject\":[{\"digest\":{\"sha256\":"
                + quoted(hex(root.digest())) + "},\"name\":" + quoted(signedName) + "}]}";
        if (!Arrays.equals(utf8(again), payload)) throw new Refused("model.sig: the statement is not in its one form");
        return files;
    }

    /** What the manifest says of the files must be what was signed. */
    private static void checkManifest(Map<String, Object> manifest, Map<String, String> signed, String signedName)
            throws Refused {
        if (!Long.valueOf(1).equals(manifest.get("schema_version"))) throw new Refused("manifest.json: another version");
        if (!signedName.equals(manifest.get("name"))) throw new Refused("manifest.json: not the name that was signed");
        Set<String> named = new HashSet<>();
        List<String> roots = new ArrayList<>();
        List<Object> files = new ArrayList<>();
        for (Object artifact : list(manifest.get("artifacts"))) {
            String path = text(map(artifact).get("path"));
            checkName(path);
            roots.add(path + "/");
            files.addAll(list(map(artifact).get("files")));
        }
        files.add(manifest.get("golden"));
        for (Object file : files) {
            String path = text(map(file).get("path"));
            if (!text(map(file).get("sha256")).equals(signed.get(path))) {
                throw new Refused("manifest.json: " + path + ": missing, or not the sha256 that was signed");
            }
            if (!named.add(path)) throw new Refused("manifest.json: " + path + ": named twice");
        }
        for (String name : signed.keySet()) {
            for (String root : roots) {
                if (name.startsWith(root) && !named.contains(name)) throw new Refused(name + ": not in the manifest");
            }
        }
    }

    /** Whether the names in a folder are files and folders only, each folder with something in it. */
    private static void walk(Path folder, String at, Set<String> found) throws Refused, IOException {
        boolean filled = false;
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            for (Path entry : entries) {
                filled = true;
                String name = at + entry.getFileName();
                if (Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS)) {
                    found.add(name);
                } else if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                    walk(entry, name + "/", found);
                } else {
                    throw new Refused(name + ": a link or special file");
                }
            }
        }
        if (!filled) throw new Refused(at + ": an empty folder");
    }

    private static void checkName(String name) throws Refused {
        boolean plain = name.indexOf('\\') < 0 && name.indexOf(':') < 0;
        for (String part : name.split("/", -1)) {
            plain &= !part.isEmpty() && !part.equals(".") && !part.equals("..");
            plain &= !part.toLowerCase(Locale.ROOT).startsWith(".git");
        }
        for (int i = 0; i < name.length(); i += Character.charCount(name.codePointAt(i))) {
            int c = name.codePointAt(i);
            int type = Character.getType(c);
            plain &= c == ' ' || !(type == Character.CONTROL || type == Character.FORMAT || type == Character.SURROGATE
                    || type == Character.PRIVATE_USE || type == Character.UNASSIGNED
                    || type == Character.LINE_SEPARATOR || type == Character.PARAGRAPH_SEPARATOR
                    || type == Character.SPACE_SEPARATOR);
        }
        if (!plain) throw new Refused("a name that no bundle may hold: " + name);
    }

    /** The form in which names are one and the same for a file system that does not tell letter case apart. */
    private static String fold(String name) {
        String composed = Normalizer.normalize(name, Normalizer.Form.NFC);
        return Normalizer.normalize(composed.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT), Normalizer.Form.NFC);
    }

    private static byte[] read(Path path) throws Refused, IOException {
        if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) throw new Refused(path.getFileName() + ": no plain file");
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] buffer = new byte[1 << 16];
        try (InputStream file = Files.newInputStream(path, LinkOption.NOFOLLOW_LINKS)) {
            for (int count; (count = file.read(buffer)) > 0; ) {
                all.write(buffer, 0, count);
                if (all.size() > LARGEST) throw new Refused(path.getFileName() + ": too large");
            }
        }
        return all.toByteArray();
    }

    private static byte[] digest(Path path) throws IOException, GeneralSecurityException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        byte[] buffer = new byte[1 << 16];
        try (InputStream file = Files.newInputStream(path, LinkOption.NOFOLLOW_LINKS)) {
            for (int count; (count = file.read(buffer)) > 0; ) digest.update(buffer, 0, count);
        }
        return digest.digest();
    }

    private static byte[] base64(String text) throws Refused {
        try {
            byte[] bytes = Base64.getDecoder().decode(text);
            if (Base64.getEncoder().encodeToString(bytes).equals(text)) return bytes;
        } catch (IllegalArgumentException e) {
            // told below
        }
        throw new Refused("model.sig: base64 that is not in its one form");
    }

    /** A signature is strict DER with the smaller s: n - s would verify too. */
    private static void checkDer(byte[] signature) throws Refused {
        if (signature.length < 8 || signature[3] < 1 || signature.length < 6 + signature[3] + 1) throw new Refused("model.sig: no DER");
        BigInteger r = new BigInteger(Arrays.copyOfRange(signature, 4, 4 + signature[3]));
        BigInteger s = new BigInteger(Arrays.copyOfRange(signature, 6 + signature[3], signature.length));
        byte[] r1 = r.toByteArray();
        byte[] s1 = s.toByteArray();
        ByteArrayOutputStream again = new ByteArrayOutputStream();
        again.write(0x30);
        again.write(4 + r1.length + s1.length);
        again.write(2);
        again.write(r1.length);
        again.write(r1, 0, r1.length);
        again.write(2);
        again.write(s1.length);
        again.write(s1, 0, s1.length);
        boolean small = r.signum() > 0 && s.signum() > 0 && s.compareTo(ORDER.shiftRight(1)) <= 0;
        if (!small || !Arrays.equals(again.toByteArray(), signature)) throw new Refused("model.sig: not strict DER");
    }

    /** Text as canonical JSON writes it. */
    private static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            int known = "\"\\\b\f\n\r\t".indexOf(c);
            if (known >= 0) out.append('\\').append("\"\\bfnrt".charAt(known));
            else if (c < ' ') out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object value) throws Refused {
        if (value instanceof Map) return (Map<String, Object>) value;
        throw new Refused("not of the form of a bundle: no object where one must be");
    }

    @SuppressWarnings("unchecked")
    private static List<Object> list(Object value) throws Refused {
        if (value instanceof List) return (List<Object>) value;
        throw new Refused("not of the form of a bundle: no list where one must be");
    }

    private static Object first(Object value) throws Refused {
        List<Object> items = list(value);
        if (items.size() == 1) return items.get(0);
        throw new Refused("not of the form of a bundle: " + items.size() + " where one must be");
    }

    private static String text(Object value) throws Refused {
        if (value instanceof String) return (String) value;
        throw new Refused("not of the form of a bundle: no text where it must be");
    }

    private static int compare(byte[] a, byte[] b) {
        for (int i = 0; i < Math.min(a.length, b.length); i++) {
            if (a[i] != b[i]) return (a[i] & 0xff) - (b[i] & 0xff);
        }
        return a.length - b.length;
    }

    private static byte[] sha256(byte[] data) throws GeneralSecurityException {
        return MessageDigest.getInstance("SHA-256").digest(data);
    }

    private static String hex(byte[] bytes) {
        StringBuilder out = new StringBuilder();
        for (byte b : bytes) out.append(String.format("%02x", b));
        return out.toString();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Prints a line per folder: `verified` or `refused` and why. Exits with 6 if any is refused. */
    public static void main(String[] args) throws IOException, GeneralSecurityException {
        long minVersion = 0;
        String expectName = null;
        String now = java.time.Instant.now().toString().substring(0, 19) + "Z";
        int at = 0;
        for (; at < args.length && args[at].startsWith("--"); at += 2) {
            if (args[at].equals("--min-version")) minVersion = Long.parseLong(args[at + 1]);
            else if (args[at].equals("--expect-name")) expectName = args[at + 1];
            else if (args[at].equals("--now")) now = args[at + 1];
            else throw new IllegalArgumentException(args[at] + ": no such option");
        }
        VerifyBundle verifier = new VerifyBundle(new String(Files.readAllBytes(Paths.get(args[at])), StandardCharsets.US_ASCII));
        boolean all = true;
        for (String folder : Arrays.copyOfRange(args, at + 1, args.length)) {
            String verdict = "verified";
            try {
                verifier.verify(Paths.get(folder), minVersion, expectName, now);
            } catch (Refused | IOException | GeneralSecurityException e) {
                verdict = "refused: " + e.getMessage();
                all = false;
            }
            System.out.println(folder + ": " + verdict.replace("\n", "\\n"));
        }
        if (!all) System.exit(6);
    }
}
