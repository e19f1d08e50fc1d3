package android.content;

import android.content.res.AssetManager;

/** As much of Android's class as a package uses. */
public abstract class Context {
    public abstract AssetManager getAssets();
}
