package android.content.res;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;

/** As much of Android's class as a package uses: assets are the module's own, in the current folder. */
public final class AssetManager {
    public InputStream open(String name) throws IOException {
        return new FileInputStream("src/main/assets/" + name);
    }
}
