package edgepack.reviewprices;

import java.io.File;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Prints the counts of texts as a package's own class counts them. */
public final class Counts {
    public static void main(String[] given) throws Exception {
        Map<?, ?> all = (Map<?, ?>) StrictJson.parse(Files.readAllBytes(new File(given[0]).toPath()));
        for (Object step : (List<?>) all.get("steps")) {
            TermCounter counter = new TermCounter((Map<?, ?>) step, (String) all.get("pattern"), all);
            for (Object text : (List<?>) all.get("texts")) {
                System.out.println(Arrays.toString(counter.counts((String) text)));
            }
        }
    }
}
