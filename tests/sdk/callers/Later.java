import edgepack.strict.Strict;
import edgepack.strict.StrictError;
import edgepack.strict.StrictInput;
import java.io.File;
import java.nio.file.Files;

/** Loads the model of a bundle, once verified, and prints how many probabilities it answers, or what is wrong. */
public final class Later {
    public static void main(String[] given) throws Exception {
        String key = new String(Files.readAllBytes(new File(given[1]).toPath()));
        try (Strict model = Strict.loadVerified(new File(given[0]), key, Long.parseLong(given[2]))) {
            System.out.println(model.predict(new StrictInput(1.0, 2.0, "north", "flat")).getProbabilities().size());
        } catch (StrictError error) {
            System.out.println(error);
        }
    }
}
