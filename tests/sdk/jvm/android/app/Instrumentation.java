package android.app;

import android.content.Context;
import android.content.res.AssetManager;

/** As much of Android's class as a package's test uses. */
public class Instrumentation {
    public Context getTargetContext() {
        return new Context() {
            @Override
            public AssetManager getAssets() {
                return new AssetManager();
            }
        };
    }
}
