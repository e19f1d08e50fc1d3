import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * JSON that can be read in one way only: UTF-8, no key twice, nothing behind the end, no number that a double cannot
 * hold, no half of a surrogate pair. Android's org.json takes all of these.
 */
final class StrictJson {
    private static final int DEEPEST = 200;
    private static final Pattern NUMBER = Pattern.compile("-?(?:0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?");

    private final String text;
    private int at;

    private StrictJson(String text) {
        this.text = text;
    }

    /** A Map, List, String, Long, BigDecimal (a whole number beyond a long), Double, Boolean or null. */
    static Object parse(byte[] bytes) throws VerifyBundle.Refused {
        try {
            StrictJson json = new StrictJson(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
            Object value = json.value(0);
            json.space();
            if (json.at != json.text.length()) throw bad("text behind the end");
            return value;
        } catch (CharacterCodingException e) {
            throw bad("not UTF-8");
        } catch (StringIndexOutOfBoundsException e) {
            throw bad("ends early");
        }
    }

    private Object value(int depth) throws VerifyBundle.Refused {
        if (depth > DEEPEST) throw bad("nested too deep");
        space();
        switch (text.charAt(at)) {
            case '{': return object(depth);
            case '[': return array(depth);
            case '"': return string();
            default:
        }
        if (word("true")) return Boolean.TRUE;
        if (word("false")) return Boolean.FALSE;
        if (word("null")) return null;
        Matcher number = NUMBER.matcher(text).region(at, text.length());
        if (!number.lookingAt()) throw bad("no value at " + at);
        at = number.end();
        if (number.group(1) == null && number.group(2) == null) {
            try {
                return Long.valueOf(number.group());
            } catch (NumberFormatException e) {
                return new BigDecimal(number.group());
            }
        }
        Double value = Double.valueOf(number.group());
        if (value.isInfinite()) throw bad("a number that no double holds");
        return value;
    }

    private Map<String, Object> object(int depth) throws VerifyBundle.Refused {
        Map<String, Object> members = new LinkedHashMap<>();
        at++;
        space();
        if (text.charAt(at) == '}') {
            at++;
            return members;
        }
        while (true) {
            space();
            String key = string();
            space();
            expect(':');
            Object value = value(depth + 1);
            if (members.containsKey(key)) throw bad("the key \"" + key + "\" twice");
            members.put(key, value);
            space();
            if (text.charAt(at) == '}') {
                at++;
                return members;
            }
            expect(',');
        }
    }

    private List<Object> array(int depth) throws VerifyBundle.Refused {
        List<Object> items = new ArrayList<>();
        at++;
        space();
        if (text.charAt(at) == ']') {
            at++;
            return items;
        }
        while (true) {
            items.add(value(depth + 1));
            space();
            if (text.charAt(at) == ']') {
                at++;
                return items;
            }
            expect(',');
        }
    }

    private String string() throws VerifyBundle.Refused {
        expect('"');
        StringBuilder out = new StringBuilder();
        while (true) {
            char c = text.charAt(at++);
            if (c == '"') break;
            if (c < ' ') throw bad("a control character in text");
            if (c != '\\') {
                out.append(c);
                continue;
            }
            char escaped = text.charAt(at++);
            int known = "\"\\/bfnrt".indexOf(escaped);
            if (known >= 0) {
                out.append("\"\\/\b\f\n\r\t".charAt(known));
            } else if (escaped == 'u' && text.substring(at, at + 4).matches("[0-9a-fA-F]{4}")) {
                out.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                at += 4;
            } else {
                throw bad("an unknown escape");
            }
        }
        for (int i = 0; i < out.length(); i++) {
            if (Character.isHighSurrogate(out.charAt(i)) && i + 1 < out.length()
                    && Character.isLowSurrogate(out.charAt(i + 1))) {
                i++;
            } else if (Character.isSurrogate(out.charAt(i))) {
                throw bad("half of a surrogate pair");
            }
        }
        return out.toString();
    }

    private void space() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) at++;
    }

    private boolean word(String word) {
        if (!text.startsWith(word, at)) return false;
        at += word.length();
        return true;
    }

    private void expect(char wanted) throws VerifyBundle.Refused {
        if (text.charAt(at) != wanted) throw bad("no " + wanted + " at " + at);
        at++;
    }

    private static VerifyBundle.Refused bad(String reason) {
        return new VerifyBundle.Refused("not strict JSON: " + reason);
    }
}
