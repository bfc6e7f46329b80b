// Java's own HTTP clients, old and new: `java Client.java BASE`.
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.cert.X509Certificate;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

public class Client {
    static class Trusting extends X509ExtendedTrustManager {
        public void checkClientTrusted(X509Certificate[] c, String a) {}
        public void checkServerTrusted(X509Certificate[] c, String a) {}
        public void checkClientTrusted(X509Certificate[] c, String a, java.net.Socket s) {}
        public void checkServerTrusted(X509Certificate[] c, String a, java.net.Socket s) {}
        public void checkClientTrusted(X509Certificate[] c, String a, javax.net.ssl.SSLEngine e) {}
        public void checkServerTrusted(X509Certificate[] c, String a, javax.net.ssl.SSLEngine e) {}
        public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
    }

    public static void main(String[] args) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new Trusting()}, null);
        HttpsURLConnection.setDefaultSSLSocketFactory(context.getSocketFactory());
        HttpsURLConnection.setDefaultHostnameVerifier((h, s) -> true);
        URI base = URI.create(args[0]);
        for (HttpClient.Version version : HttpClient.Version.values()) {
            HttpClient client = HttpClient.newBuilder().sslContext(context).version(version).build();
            client.send(HttpRequest.newBuilder(base.resolve("/page?" + version)).build(), BodyHandlers.discarding());
            client.send(HttpRequest.newBuilder(base.resolve("/json?" + version)).header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{}")).build(), BodyHandlers.discarding());
            client.send(HttpRequest.newBuilder(base.resolve("/head?" + version))
                .method("HEAD", HttpRequest.BodyPublishers.noBody()).build(), BodyHandlers.discarding());
        }
        HttpURLConnection old = (HttpURLConnection) base.resolve("/page?old").toURL().openConnection();
        old.getInputStream().readAllBytes();
        old = (HttpURLConnection) base.resolve("/form?old").toURL().openConnection();
        old.setDoOutput(true);
        old.getOutputStream().write("a=1".getBytes());
        old.getInputStream().readAllBytes();
    }
}
