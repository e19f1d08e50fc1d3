import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** Runs models for another process through ONNX Runtime's Java API; see native.py for the form. */
public final class Serve {
  private static final int FLOAT = 1, INT64 = 7, TEXT = 8, BOOL = 9, DOUBLE = 11;
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private OrtSession session;

  public static void main(String[] words) throws IOException {
    Serve serve = new Serve();
    DataInputStream in = new DataInputStream(System.in);
    OutputStream out = System.out;
    reply(out, 0, serve.environment.getVersion().getBytes(StandardCharsets.UTF_8));
    while (true) {
      int kind = in.read();
      if (kind < 0) return;
      byte[] body = new byte[Integer.reverseBytes(in.readInt())];
      in.readFully(body);
      try {
        reply(out, 0, kind == 'm' ? serve.load(body) : serve.run(body));
      } catch (Exception error) {
        reply(out, 1, String.valueOf(error.getMessage()).getBytes(StandardCharsets.UTF_8));
      }
    }
  }

  private byte[] load(byte[] model) throws Exception {
    if (session != null) session.close();
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(1);
    options.setInterOpNumThreads(1);
    session = environment.createSession(model, options);
    return new byte[0];
  }

  private byte[] run(byte[] body) throws Exception {
    ByteBuffer given = ByteBuffer.wrap(body).order(ByteOrder.nativeOrder());
    Map<String, OnnxTensor> feed = new HashMap<>();
    for (int left = given.getInt(); left > 0; left--) {
      int kind = given.getInt();
      long[] shape = {given.getInt(), given.getInt()};
      String name = text(given);
      feed.put(name, tensor(kind, shape, given));
    }
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    try (OrtSession.Result found = session.run(feed)) {
      answer.write(number(found.size()));
      for (Map.Entry<String, OnnxValue> entry : found) put(entry.getKey(), (OnnxTensor) entry.getValue(), answer);
    }
    for (OnnxTensor each : feed.values()) each.close();
    return answer.toByteArray();
  }

  private OnnxTensor tensor(int kind, long[] shape, ByteBuffer given) throws Exception {
    int count = (int) (shape[0] * shape[1]);
    if (kind == TEXT) {
      String[] texts = new String[count];
      for (int k = 0; k < count; k++) texts[k] = text(given);
      return OnnxTensor.createTensor(environment, texts, shape);
    }
    int size = count * (kind == DOUBLE ? 8 : 4);
    ByteBuffer own = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
    own.put(given.array(), given.position(), size).flip();
    given.position(given.position() + size);
    return kind == DOUBLE
        ? OnnxTensor.createTensor(environment, own.asDoubleBuffer(), shape)
        : OnnxTensor.createTensor(environment, own.asFloatBuffer(), shape);
  }

  private static void put(String name, OnnxTensor tensor, ByteArrayOutputStream answer) throws Exception {
    TensorInfo info = tensor.getInfo();
    int kind = switch (info.type) {
      case FLOAT -> FLOAT;
      case DOUBLE -> DOUBLE;
      case INT64 -> INT64;
      case STRING -> TEXT;
      case BOOL -> BOOL;
      default -> throw new IllegalStateException("an output of " + info.type);
    };
    answer.write(number(kind));
    answer.write(number(info.getShape().length));
    for (long each : info.getShape()) answer.write(number((int) each));
    answer.write((name + "\0").getBytes(StandardCharsets.UTF_8));
    if (kind != TEXT) {
      ByteBuffer data = tensor.getByteBuffer();
      byte[] bytes = new byte[data.remaining()];
      data.get(bytes);
      answer.write(bytes);
    } else {
      for (Object each : flat(tensor.getValue())) answer.write((each + "\0").getBytes(StandardCharsets.UTF_8));
    }
  }

  private static Object[] flat(Object texts) {
    if (texts instanceof String[][] rows) {
      return java.util.Arrays.stream(rows).flatMap(java.util.Arrays::stream).toArray();
    }
    return (Object[]) texts;
  }

  private static String text(ByteBuffer given) {
    int start = given.position();
    while (given.get() != 0) { }
    return new String(given.array(), start, given.position() - start - 1, StandardCharsets.UTF_8);
  }

  private static byte[] number(int value) {
    return ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(value).array();
  }

  private static void reply(OutputStream out, int failed, byte[] body) throws IOException {
    out.write(number(failed));
    out.write(number(body.length));
    out.write(body);
    out.flush();
  }
}
